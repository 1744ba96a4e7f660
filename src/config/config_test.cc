#include "config/config.h"
#include "config/review.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <sys/stat.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

// Golden files: testdata/*.txt holds a configuration, a line "----", and what must be said about it. In the expected
// part the folder is written as @. SALLYPORT_GOLDEN=write rewrites them; read the difference before you commit it.
namespace sallyport::config {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "sallyport-config-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    write("tls.crt", "certificate");
    write("tls.key", "key");
    write("password", "from-a-file\n", 0600);
    write("open-password", "seen by all\n", 0644);
    write("changeable-password", "x\n", 0666);
    write("empty-password", "\n", 0600);
    write("detectors.yaml", R"(detectors:
  - {name: employee, patterns: ["EMP[0-9]{6}"], check: word, matches: [EMP123456], misses: [XEMP123456]}
)");
    write("bad-detectors.yaml", R"(detectors:
  - {name: email, patterns: ["x@y"], matches: [x@y]}
  - {name: wide, patterns: ["abc[0-9]+", "^abc", "abc("], matches: [abc1]}
  - {name: wrong, patterns: ["abc[0-9]"], matches: [abc1, xyz], misses: [zabc2, zzz]}
  - {name: strange, patterns: ["abc"], check: nonsense, matches: [abc], colour: red}
  - {name: bare, patterns: ["abc"]}
  - {name: empty, patterns: [], matches: [abc]}
  - {name: twice, patterns: ["abc"], matches: [abc]}
  - {name: twice, patterns: ["abc"], matches: [abc]}
  - {name: typed, patterns: [1], matches: {a: b}}
more: 1
)");
    fs::create_directory(path_ / "folder");
  }
  ~Folder() { fs::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    const std::string file = (path_ / name).string();
    std::ofstream(file, std::ios::binary) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  std::string name() const { return path_.string(); }

 private:
  fs::path path_;
};

std::string with_folder(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string outcome(const std::string& file) {
  std::string out;
  auto config = load(file, Secrets::resolve);
  if (!config) {
    for (const Problem& problem : config.error()) out += to_string(problem) + "\n";
    return out;
  }
  for (const std::string& line : explain(*config)) out += line + "\n";
  for (const std::string& line : weakenings(*config)) out += "weak: " + line + "\n";
  const Review reviewed = review(*config);
  for (const Entitlement& entitlement : reviewed.entitlements)
    for (const std::string& line : to_lines(entitlement)) out += line + "\n";
  for (const std::string& line : reviewed.warnings) out += "warning: " + line + "\n";
  return out;
}

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Config, GoldenFiles) {
  ::setenv("ORDERS_PASSWORD", "hunter2", 1);
  ::unsetenv("NOT_SET");
  Folder folder;
  int count = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(SALLYPORT_SOURCE_DIR) / "src/config/testdata")) {
    if (entry.path().extension() != ".txt") continue;
    ++count;
    SCOPED_TRACE(entry.path().filename().string());
    const std::string whole = slurp(entry.path());
    const auto line = whole.find("\n----\n");
    ASSERT_NE(line, std::string::npos);
    const std::string file = folder.write("sallyport.yaml", whole.substr(0, line + 1));
    const std::string said = with_folder(outcome(file), folder.name(), "@");
    EXPECT_EQ(said.find("hunter2"), std::string::npos);
    if (const char* mode = std::getenv("SALLYPORT_GOLDEN"); mode != nullptr && std::string_view(mode) == "write")
      std::ofstream(entry.path(), std::ios::binary) << whole.substr(0, line) << "\n----\n" << said;
    else
      EXPECT_EQ(said, whole.substr(line + 6));
  }
  EXPECT_GE(count, 20);
}

TEST(Config, FillsEveryOption) {
  ::setenv("ORDERS_PASSWORD", "hunter2", 1);
  Folder folder;
  const std::string file = folder.write("sallyport.yaml", R"(
data: state
listen:
  postgres: {address: "[::1]:0", certificate: tls.crt, key: tls.key}
trail: {durability: request, push: [{file: heads}, {command: [/bin/put, head]}]}
identity:
  principals: [{name: agent-1, kind: agent, owner: sam, groups: [ai, more]}]
  token_lifetime: 90s
targets:
  - {name: a, kind: postgres, address: "db:5432", user: u, password: "${env:ORDERS_PASSWORD}", durability: batch, labels: {env: prod}}
  - {name: b, kind: postgres, address: "127.0.0.1:1", database: real, user: u, password: "${file:password}", tls: disable, auth: [scram, md5]}
limits: {statement: 32KiB, trail_bytes_per_principal: 2MiB/m}
rules:
  - {name: r, who: {groups: [ai], kind: agent}, on: {labels: {env: prod}}, if: {effects: [read, call], statements: [ "drop   table" ], relations: [public.*], missing_where: true}, then: {hold: {approvers: {principals: [agent-1]}, count: 2, timeout: 1m, in_transaction_timeout: 2s}}}
masks:
  - {name: m, on: {targets: [a], labels: {env: prod}}, columns: ["*.ssn", public.customers.email], with: {keep_last: 4}, oracle: allow}
  - {name: f, find: [jwt, iban], with: null}
  - {name: g, find: [jwt], with: redact}
)");
  auto loaded = load(file, Secrets::resolve);
  ASSERT_TRUE(loaded) << to_string(loaded.error().front());
  const Config& config = *loaded;
  EXPECT_EQ(config.data, folder.name() + "/state");
  ASSERT_EQ(config.listeners.size(), 1U);
  EXPECT_EQ(to_string(config.listeners[0].address), "[::1]:0");
  EXPECT_EQ(config.listeners[0].certificate, folder.name() + "/tls.crt");
  EXPECT_EQ(config.trail.durability, Durability::request);
  ASSERT_EQ(config.trail.push.size(), 2U);
  EXPECT_EQ(config.trail.push[0].file, folder.name() + "/heads");
  EXPECT_EQ(config.trail.push[1].command, (std::vector<std::string>{"/bin/put", "head"}));
  EXPECT_EQ(config.identity.principals[0].groups, (std::vector<std::string>{"ai", "more"}));
  EXPECT_EQ(config.identity.token_lifetime, std::chrono::seconds(90));
  ASSERT_EQ(config.targets.size(), 2U);
  EXPECT_EQ(config.targets[0].password.reveal(), "hunter2");
  EXPECT_EQ(config.targets[0].database, "a");
  EXPECT_EQ(config.targets[0].tls, TargetTls::verify_full);
  EXPECT_EQ(config.targets[0].durability, Durability::batch);
  EXPECT_EQ(config.targets[1].password.reveal(), "from-a-file");
  EXPECT_EQ(config.targets[1].database, "real");
  EXPECT_EQ(config.targets[1].auth, (std::vector{TargetAuth::scram, TargetAuth::md5}));
  EXPECT_EQ(config.limits.statement, 32_KiB);
  EXPECT_EQ(config.limits.trail_bytes_per_principal, 2_MiB);
  EXPECT_EQ(config.limits.trail_period, std::chrono::minutes(1));
  ASSERT_EQ(config.rules.size(), 1U);
  const RuleOptions& rule = config.rules[0];
  EXPECT_EQ(rule.who.kinds, std::vector{model::PrincipalKind::agent});
  EXPECT_EQ(rule.conditions.effects, (model::EffectSet{model::Effect::read, model::Effect::call}));
  EXPECT_EQ(rule.conditions.statements, std::vector<std::string>{"DROP TABLE"});
  EXPECT_EQ(rule.conditions.missing_where, true);
  ASSERT_TRUE(rule.hold);
  EXPECT_EQ(rule.hold->count, 2U);
  EXPECT_EQ(rule.hold->in_transaction_timeout, std::chrono::seconds(2));
  const auto rules = rules_of(config);
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_EQ(rules[0].name, "r");
  EXPECT_EQ(rules[0].who.groups, std::vector<std::string>{"ai"});
  EXPECT_EQ(rules[0].on.labels.at(0).second, "prod");
  EXPECT_EQ(rules[0].if_.effects, rule.conditions.effects);
  EXPECT_EQ(std::get<policy::Rule::HoldFor>(rules[0].then).count, 2);
  ASSERT_EQ(config.masks.size(), 3U);
  const policy::MaskRule& mask = config.masks[0];
  EXPECT_EQ(mask.name, "m");
  EXPECT_EQ(mask.on.targets, std::vector<std::string>{"a"});
  EXPECT_EQ(mask.on.labels.at(0).second, "prod");
  EXPECT_EQ(mask.columns, (std::vector<std::string>{"*.ssn", "public.customers.email"}));
  EXPECT_TRUE(mask.find.empty());
  EXPECT_EQ(mask.way.kind, policy::MaskWay::Kind::keep_last);
  EXPECT_EQ(mask.way.keep, 4U);
  EXPECT_TRUE(mask.allows_oracle);
  EXPECT_EQ(config.masks[1].find, (std::vector<std::string>{"jwt", "iban"}));
  EXPECT_EQ(config.masks[1].way.kind, policy::MaskWay::Kind::null);
  EXPECT_FALSE(config.masks[1].allows_oracle);
  EXPECT_EQ(config.masks[2].way.kind, policy::MaskWay::Kind::redact);
  EXPECT_EQ(config.text, slurp(file));
}

TEST(Config, TheDocumentsExampleIsGood) {
  ::setenv("ORDERS_PASSWORD", "hunter2", 1);
  Folder folder;
  const std::string page = slurp(fs::path(SALLYPORT_SOURCE_DIR) / "docs/configuration.md");
  const auto begin = page.find("```yaml\n");
  ASSERT_NE(begin, std::string::npos);
  const std::string example = page.substr(begin + 8, page.find("```\n", begin + 8) - begin - 8);
  const auto config = load(folder.write("sallyport.yaml", example), Secrets::resolve);
  ASSERT_TRUE(config) << to_string(config.error().front());
  EXPECT_TRUE(weakenings(*config).empty()) << weakenings(*config).front();
}

TEST(Config, SecretsStayUnreadWhenAskedSo) {
  ::unsetenv("NOT_SET");
  Folder folder;
  const std::string file =
      folder.write("sallyport.yaml",
                   "data: d\nlisten: {postgres: {address: 127.0.0.1:1, insecure: true}}\n"
                   "targets: [{name: a, kind: postgres, address: db:1, user: u, password: \"${env:NOT_SET}\"}]\n");
  EXPECT_FALSE(load(file, Secrets::resolve));
  const auto config = load(file, Secrets::leave);
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->targets[0].password.is_empty());
  EXPECT_EQ(config->targets[0].password_source, "${env:NOT_SET}");
}

TEST(Config, DataFolderIsFoundThoughTheRestIsBroken) {
  Folder folder;
  const std::string file = folder.write("sallyport.yaml", "nonsense: 1\ndata: /var/lib/x\nrules: 7\n");
  EXPECT_EQ(data_folder_of(file).value(), "/var/lib/x");
  EXPECT_FALSE(data_folder_of(folder.write("other.yaml", "nonsense: 1\n")));
  EXPECT_FALSE(data_folder_of(folder.name() + "/absent.yaml"));
}

TEST(Config, FilesThatAreNoConfiguration) {
  Folder folder;
  const auto said = [](const std::string& file) {
    auto config = load(file, Secrets::resolve);
    return config ? std::string("accepted") : config.error().front().message;
  };
  EXPECT_EQ(said(folder.name() + "/absent.yaml"), "cannot be read");
  EXPECT_EQ(said(folder.name()), "is a folder");
  EXPECT_EQ(said(folder.write("e", "")), "the file is empty");
  EXPECT_EQ(said(folder.write("b", std::string("a\0b", 3))), "is not UTF-8 text");
  EXPECT_EQ(said(folder.write("l", std::string(1100000, '#'))), "is larger than 1 MiB");
  EXPECT_EQ(said(folder.write("s", "- a\n")), "the file must be a map of keys, not a list");
  EXPECT_EQ(said(folder.write("d", "a: 1\n---\nb: 2\n")), "there are several YAML documents");
  EXPECT_EQ(said(folder.write("n", std::string(100000, '['))).substr(0, 17), "this is not YAML:");
}

}  // namespace
}  // namespace sallyport::config
