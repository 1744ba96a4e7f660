#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cmd/cli/arguments.h"
#include "cmd/cli/heads.h"
#include "cmd/cli/terminal.h"

namespace sallyport::cmd {
namespace {

namespace fs = std::filesystem;

std::expected<Arguments, Told> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "sallyport");
  return parse_arguments(static_cast<int>(words.size()), words.data());
}

int status(std::vector<const char*> words) {
  const auto parsed = parse(std::move(words));
  return parsed ? -1 : parsed.error().status;
}

TEST(Arguments, AreAsScriptsRelyOn) {
  ::unsetenv("SALLYPORT_CONFIG");
  const auto token = parse({"token", "--as", "agent-1", "--target", "a", "--target", "b", "--ttl", "5m", "--reason",
                            "why", "--config", "f"});
  ASSERT_TRUE(token);
  const auto& issue = std::get<TokenIssue>(token->command);
  EXPECT_EQ(issue.principal, "agent-1");
  EXPECT_EQ(issue.targets, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(issue.lifetime, "5m");
  EXPECT_EQ(token->common.config, "f");
  EXPECT_FALSE(token->common.is_json);
  EXPECT_EQ(std::get<TokenRevoke>(parse({"token", "revoke", "tok-1", "--config", "f"})->command).id, "tok-1");
  EXPECT_TRUE(std::holds_alternative<TokenList>(parse({"token", "list", "--json"})->command));
  EXPECT_TRUE(parse({"token", "list", "--json"})->common.is_json);
  EXPECT_TRUE(parse({"sessions", "list", "--json"})->common.is_json);
  EXPECT_TRUE(std::get<ReplayCommand>(parse({"sessions", "tail", "x"})->command).is_following);
  EXPECT_FALSE(std::get<ReplayCommand>(parse({"replay", "x"})->command).is_following);
  EXPECT_EQ(std::get<SearchCommand>(parse({"search", "DROP TABLE"})->command).text, "DROP TABLE");
  const auto bundle = parse({"export", "--session", "a", "-o", "f.tar"});
  EXPECT_EQ(std::get<ExportCommand>(bundle->command).file, "f.tar");
  EXPECT_EQ(parse({"check", "file.yaml"})->common.config, "file.yaml");
  EXPECT_TRUE(std::holds_alternative<VerifyCommand>(parse({"verify"})->command));
  EXPECT_TRUE(std::holds_alternative<ReindexCommand>(parse({"reindex"})->command));
  EXPECT_TRUE(std::holds_alternative<TargetsCommand>(parse({"targets"})->command));
  EXPECT_TRUE(std::holds_alternative<GatewayCommand>(parse({"gateway"})->command));
  ::setenv("SALLYPORT_CONFIG", "from-environment", 1);
  EXPECT_EQ(parse({"targets"})->common.config, "from-environment");
  EXPECT_EQ(parse({"targets", "--config", "f"})->common.config, "f");
  ::unsetenv("SALLYPORT_CONFIG");
}

TEST(Arguments, WrongUsageIsTwoAndHelpIsZero) {
  EXPECT_EQ(status({"--help"}), 0);
  EXPECT_EQ(status({"token", "--help"}), 0);
  EXPECT_EQ(status({"--version"}), 0);
  EXPECT_EQ(status({}), 2);
  EXPECT_EQ(status({"nonsense"}), 2);
  EXPECT_EQ(status({"token"}), 2);
  EXPECT_EQ(status({"sessions"}), 2);
  EXPECT_EQ(status({"sessions", "show"}), 2);
  EXPECT_EQ(status({"export", "--session", "a"}), 2);
  EXPECT_EQ(status({"search"}), 2);
  EXPECT_EQ(status({"search", "a", "b"}), 2);
  EXPECT_EQ(status({"sessions", "list", "--state", "dead"}), 2);
  EXPECT_EQ(status({"targets", "--unknown"}), 2);
}

TEST(Terminal, EscapesWhatDrivesATerminal) {
  EXPECT_EQ(printable("SELECT 'ü' -- ok"), "SELECT 'ü' -- ok");
  EXPECT_EQ(printable("a\x1b[31mb\nc\td\x7f"), "a\\u{1b}[31mb\\nc\\td\\u{7f}");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u{9b}31m");  // C1: a control sequence in one character
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b"),
            "a\\u{202e}b");  // right-to-left override
  EXPECT_EQ(printable("a\xff\xc3"), "a\\xff\\xc3");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\u{0}b");
  const std::string line = R"({"statement":"a)"
                           "\xe2\x80\xae\xc2\x9b\x7f"
                           R"("})";
  EXPECT_EQ(printable_json(line), R"({"statement":"a\u202e\u009b\u007f"})");
  EXPECT_EQ(boost::json::parse(printable_json(line)), boost::json::parse(line));
}

TEST(Terminal, ShowsEventsInOneLine) {
  const auto event = [](const char* text) { return event_text(boost::json::parse(text).get_object()); };
  EXPECT_EQ(
      event(
          R"({"time":"T","seq":3,"kind":"request","statement":"DROP\nTABLE x","verdict":"deny","rule":"never","parameters":[1,"a"],
                      "error":{"message":"refused"}})"),
      "T     3 > DROP\\nTABLE x  [1, a]  deny by never  error refused");
  EXPECT_EQ(event(R"({"time":"T","seq":4,"kind":"response","tags":["SELECT 2"],"rows":2,"duration_us":9})"),
            "T     4 < SELECT 2  2 rows  9 us");
  EXPECT_EQ(event(R"({"time":"T","seq":4,"kind":"response","tags":[],"error":{"code":"42601","message":"syntax"}})"),
            "T     4 <   error 42601 syntax");
}

class HeadsTest : public testing::Test {
 protected:
  HeadsTest() {
    std::string pattern = (fs::temp_directory_path() / "sallyport-heads-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    file_ = heads_file(folder_ + "/new/folder", "example.org/gate+00000000+AAAA\n");
  }
  ~HeadsTest() override { fs::remove_all(folder_); }
  static std::string note(std::uint64_t size, char root) {
    return "example.org/gate\n" + std::to_string(size) + "\n" + std::string(43, root) +
           "=\n\n\xe2\x80\x94 example.org/gate c2ln\n";
  }
  std::string kept() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string folder_, file_;
};

TEST_F(HeadsTest, RemembersAndComplains) {
  EXPECT_TRUE(remember(file_, note(3, 'A')));
  EXPECT_TRUE(remember(file_, note(3, 'A')));
  EXPECT_TRUE(remember(file_, note(5, 'B')));
  EXPECT_EQ(kept(), note(3, 'A') + note(5, 'B'));
  const auto back = remember(file_, note(4, 'C'));
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().message.find("set back"), std::string::npos);
  const auto fork = remember(file_, note(5, 'C'));
  ASSERT_FALSE(fork);
  EXPECT_NE(fork.error().message.find("forked"), std::string::npos);
  EXPECT_EQ(kept(), note(3, 'A') + note(5, 'B'));
  EXPECT_TRUE(remember(file_, "no note at all"));
  EXPECT_TRUE(remember("/proc/no/such/place", note(1, 'A')));
}

TEST_F(HeadsTest, KeepsTheOldestAndTheNewest) {
  for (std::uint64_t size = 1; size <= 300; ++size) EXPECT_TRUE(remember(file_, note(size, 'A')));
  EXPECT_TRUE(kept().starts_with(note(1, 'A')));
  EXPECT_TRUE(kept().ends_with(note(300, 'A')));
  EXPECT_LT(kept().size(), 201 * note(300, 'A').size());
}

}  // namespace
}  // namespace sallyport::cmd
