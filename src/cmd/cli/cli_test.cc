#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "api/admin_socket.h"
#include "api/api_testing.h"
#include "cmd/cli/arguments.h"
#include "cmd/cli/commands.h"
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

/// The commands before the real API, behind which a test plays the gateway.
class CommandsTest : public testing::Test {
 protected:
  CommandsTest() {
    std::string pattern = (fs::temp_directory_path() / "sallyport-cli-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    ::setenv("HOME", folder_.c_str(), 1);
    ::unsetenv("XDG_STATE_HOME");
    const std::string data = folder_ + "/data";
    fs::create_directories(data + "/trail");
    std::ofstream(data + "/trail/log.vkey") << "example.org/gate+00000000+AAAA\n";
    // Broken further down on purpose: an operator can act although somebody is editing the file.
    std::ofstream(common_.config = folder_ + "/sallyport.yaml") << "data: data\nrules: 7\n";
    store_ = std::move(store::Store::open(data + "/store.db").value());
    model::Principal agent;
    agent.name = "agent-1";
    tokens_ = std::move(identity::Tokens::open(*store_, {{agent}, std::chrono::hours(1)}).value());
    index_ = std::move(store::SearchIndex::open(data + "/search.db", {}).value());
    routes_ = std::make_unique<api::Routes>(gateway_, *tokens_, *index_, desk_, api::Routes::Options{data});
    socket_ = std::move(api::AdminSocket::open(data, *routes_, {}).value());
    using namespace api::testing_gateway;
    gateway_.add(kOne, "session_open", open_meta("agent-1", "orders"), 0);
    gateway_.add(kOne, "request", request_meta("SELECT '\x1b[2J' FROM customers", "readers"), 1, 0, 0);
    gateway_.add(kOne, "response", response_meta(3), 2, 0);
    gateway_.live.push_back({kTwo, "agent-1", "orders", "db", "127.0.0.1:9", "tok-1", 5});
  }
  ~CommandsTest() override {
    socket_.reset();
    routes_.reset();
    index_.reset();
    tokens_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }
  struct Outcome {
    int status;
    std::string out, error;
  };
  template <class Command>
  Outcome run_captured(Command command) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int result = run(common_, command);
    std::fflush(stdout);
    Outcome outcome{result, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
    return outcome;
  }
  static boost::json::object first_line(const std::string& out) {
    return boost::json::parse(out.substr(0, out.find('\n'))).get_object();
  }

  std::string folder_;
  Common common_;
  api::testing_gateway::FakeGateway gateway_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<identity::Tokens> tokens_;
  std::unique_ptr<store::SearchIndex> index_;
  approval::Desk desk_{{}};
  std::unique_ptr<api::Routes> routes_;
  std::unique_ptr<api::AdminSocket> socket_;
};

TEST_F(CommandsTest, TokenPrintsNothingButTheToken) {
  const Outcome issued = run_captured(TokenIssue{"agent-1", "5m", "a try", {"orders"}});
  ASSERT_EQ(issued.status, 0) << issued.error;
  EXPECT_EQ(issued.error, "");
  ASSERT_EQ(issued.out.size(), 40U);
  EXPECT_TRUE(tokens_->verify(issued.out.substr(0, 39), "orders"));
  EXPECT_EQ(run_captured(TokenIssue{"nobody", "", "", {}}).status, 1);
  EXPECT_EQ(run_captured(TokenIssue{"nobody", "", "", {}}).out, "");
  EXPECT_EQ(run_captured(TokenIssue{"nobody", "", "", {}}).error,
            "sallyport: there is no principal 'nobody'; define it in identity.principals\n");
  EXPECT_EQ(run_captured(TokenIssue{"agent-1", "soon", "", {}}).status, 1);
  EXPECT_EQ(run_captured(TokenIssue{"agent-1", "", "", {"absent"}}).status, 1);
  const std::string id = tokens_->list().at(0).id;
  EXPECT_NE(run_captured(TokenList{}).out.find(id), std::string::npos);
  EXPECT_EQ(run_captured(TokenRevoke{id, "lost & found"}).status, 0);
  EXPECT_EQ(tokens_->list().at(0).revoked_reason, "lost & found");
  EXPECT_EQ(run_captured(TokenRevoke{id, ""}).status, 1);
}

TEST_F(CommandsTest, RecordingsAreJsonLinesOrOneLineForAPerson) {
  EXPECT_EQ(run_captured(ReindexCommand{}).status, 0);
  const auto& one = api::testing_gateway::kOne;
  const Outcome shown = run_captured(ReplayCommand{one, false, false});
  EXPECT_EQ(shown.status, 0) << shown.error;
  EXPECT_NE(shown.out.find("> SELECT '\\u{1b}[2J' FROM customers  [7, sam, null]  permit by readers"),
            std::string::npos)
      << shown.out;
  EXPECT_EQ(shown.out.find('\x1b'), std::string::npos);
  EXPECT_TRUE(run_captured(SearchCommand{"from customers", 50}).out.starts_with(one + " agent-1@orders 2026-")) << one;
  common_.is_json = true;
  const Outcome lines = run_captured(ReplayCommand{one, false, false});
  EXPECT_EQ(std::count(lines.out.begin(), lines.out.end(), '\n'), 3);
  const Outcome hits = run_captured(SearchCommand{"from customers", 50});
  ASSERT_EQ(std::count(hits.out.begin(), hits.out.end(), '\n'), 1) << hits.out << hits.error;
  for (const char* key :
       {"session", "seq", "time", "principal", "target", "kind", "statement", "parameters", "verdict", "rule"})
    EXPECT_TRUE(first_line(hits.out).contains(key)) << key;
  EXPECT_EQ(run_captured(SearchCommand{"nowhere", 50}).out, "");
  const Outcome sessions = run_captured(SessionsList{});
  EXPECT_EQ(std::count(sessions.out.begin(), sessions.out.end(), '\n'), 2);
  EXPECT_EQ(first_line(sessions.out).at("state").get_string(), "live");
  EXPECT_EQ(first_line(run_captured(SessionsShow{one}).out).at("principal").get_string(), "agent-1");
  EXPECT_EQ(run_captured(SessionsShow{std::string(32, 'c')}).status, 1);
  EXPECT_EQ(first_line(run_captured(TargetsCommand{}).out).at("name").get_string(), "orders");
  EXPECT_EQ(run_captured(SessionsEnd{api::testing_gateway::kTwo}).status, 0);
  EXPECT_EQ(run_captured(SessionsEnd{api::testing_gateway::kTwo}).status, 1);
}

TEST_F(CommandsTest, ExportLeavesAWholeFileOrNone) {
  const std::string file = folder_ + "/bundle.tar";
  const auto& one = api::testing_gateway::kOne;
  EXPECT_EQ(run_captured(ExportCommand{{one}, file}).status, 0);
  EXPECT_EQ(fs::file_size(file), 200'001U);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0600));
  fs::remove(file);
  EXPECT_EQ(run_captured(ExportCommand{{"not-an-id"}, file}).status, 1);
  EXPECT_EQ(run_captured(ExportCommand{{one}, folder_ + "/absent/bundle.tar"}).status, 1);
  gateway_.is_full = true;
  EXPECT_EQ(run_captured(ExportCommand{{one}, file}).status, 1);
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_EQ(entry.path().string().find("bundle"), std::string::npos);
}

TEST_F(CommandsTest, ATamperedRecordingIsAnError) {
  gateway_.add(api::testing_gateway::kOne, "broken", "", 3);
  const Outcome shown = run_captured(ReplayCommand{api::testing_gateway::kOne, false, false});
  EXPECT_EQ(shown.status, 1);
  EXPECT_NE(shown.error.find("before it was complete"), std::string::npos);
}

TEST_F(CommandsTest, ComplainsWhenTheLogWasSetBack) {
  const auto note = [](int size) {
    return "example.org/gate\n" + std::to_string(size) + "\n" + std::string(43, 'A') +
           "=\n\n\xe2\x80\x94 example.org/gate c2ln\n";
  };
  gateway_.note = note(9);
  EXPECT_EQ(run_captured(TargetsCommand{}).error, "");
  gateway_.note = note(8);
  const Outcome outcome = run_captured(TargetsCommand{});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.error.find("WARNING: the log example.org/gate has 8 events, but 9 were seen before"),
            std::string::npos)
      << outcome.error;
}

TEST_F(CommandsTest, SaysThatNoGatewayRuns) {
  socket_.reset();
  const Outcome outcome = run_captured(TokenIssue{"agent-1", "", "", {}});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.error,
            "sallyport: no gateway runs on " + folder_ + "/data; start it: sallyport gateway --config FILE\n");
  common_.config = folder_ + "/absent.yaml";
  EXPECT_EQ(run_captured(TargetsCommand{}).status, 1);
}

TEST_F(CommandsTest, CheckTellsEverything) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_check(common_), 1);
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("listen is missing"), std::string::npos);
  EXPECT_NE(told.find(":2:8: rules must be a list"), std::string::npos) << told;
  EXPECT_EQ(told.find("sallyport: "), std::string::npos);
}

}  // namespace
}  // namespace sallyport::cmd
