#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "api/admin_socket.h"
#include "api/api_testing.h"
#include "api/client.h"
#include "api/event_json.h"

// The API on a real socket before a gateway that is played by the test.
namespace sallyport::api {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing_gateway::FakeGateway;
using testing_gateway::kOne;
using testing_gateway::kTwo;
using testing_gateway::open_meta;
using testing_gateway::request_meta;
using testing_gateway::response_meta;
using testing_gateway::texts;

class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    std::string pattern = (fs::temp_directory_path() / "sallyport-api-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    // Longer than a socket's address may be.
    folder_ += "/" + std::string(120, 'd');
    fs::create_directory(folder_);
    store_ = std::move(store::Store::open(folder_ + "/store.db").value());
    model::Principal agent;
    agent.name = "agent-1";
    tokens_ = std::move(identity::Tokens::open(*store_, {{agent}, std::chrono::hours(1)}).value());
    index_ = std::move(store::SearchIndex::open(folder_ + "/search.db", {}).value());
    routes_ = std::make_unique<Routes>(gateway_, *tokens_, *index_, desk_, Routes::Options{folder_});
    start({});
    gateway_.live.push_back({kTwo, "agent-1", "orders", "db", "127.0.0.1:9", "tok-1", 5});
    gateway_.add(kOne, "session_open", open_meta("agent-1", "orders"), 0);
    gateway_.add(kOne, "request", request_meta("SELECT * FROM customers", "readers"), 1, 0, 0);
    gateway_.add(kOne, "response", response_meta(3), 2, 0);
    gateway_.add(kTwo, "session_open", open_meta("agent-1", "orders"), 0);
    gateway_.add(kTwo, "request", request_meta("DROP TABLE customers", "never"), 1, 0, 1);
    gateway_.add(kOne, "session_close", texts({{"reason", "client left"}}), 3);
  }
  ~ApiTest() override {
    socket_.reset();
    routes_.reset();
    index_.reset();
    tokens_.reset();
    store_.reset();
    fs::remove_all(fs::path(folder_).parent_path());
  }
  void start(AdminSocket::Limits limits) {
    socket_.reset();
    socket_ = std::move(AdminSocket::open(folder_, *routes_, limits).value());
  }
  Answer ask(std::string_view method, const std::string& target, std::string_view body = {}) {
    auto answer = call(folder_, method, target, body);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? std::move(*answer) : Answer{};
  }
  json::value ask_json(std::string_view method, const std::string& target, std::string_view body = {}) {
    const Answer answer = ask(method, target, body);
    return json::parse(answer.body);
  }
  /// What a server that is spoken to in raw octets answers: the first line.
  std::string raw(const std::string& octets, bool half_close = true) {
    const int socket = connect_admin(folder_).value();
    ::send(socket, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (half_close) ::shutdown(socket, SHUT_WR);
    std::string answer;
    char chunk[4096];
    for (ssize_t got; (got = ::recv(socket, chunk, sizeof chunk, 0)) > 0;)
      answer.append(chunk, static_cast<std::size_t>(got));
    ::close(socket);
    return answer.substr(0, answer.find("\r\n"));
  }
  std::vector<json::object> lines(const std::string& body) {
    std::vector<json::object> out;
    std::istringstream in(body);
    for (std::string line; std::getline(in, line);) out.push_back(json::parse(line).get_object());
    return out;
  }
  std::string last_log() {
    const std::lock_guard lock(gateway_.mutex);
    return gateway_.log.empty() ? "" : gateway_.log.back();
  }

  std::string folder_;
  FakeGateway gateway_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<identity::Tokens> tokens_;
  std::unique_ptr<store::SearchIndex> index_;
  approval::Desk desk_{{}};
  std::unique_ptr<Routes> routes_;
  std::unique_ptr<AdminSocket> socket_;
};

TEST_F(ApiTest, TheSocketIsForTheOwnerOnlyAndThereOnce) {
  struct stat status{};
  ASSERT_EQ(::stat((folder_ + "/admin.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto second = AdminSocket::open(folder_, *routes_, {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another gateway runs"), std::string::npos);
  socket_.reset();
  EXPECT_FALSE(fs::exists(folder_ + "/admin.sock"));
  EXPECT_NE(call(folder_, "GET", "/healthz").error().message.find("no gateway runs"), std::string::npos);
  std::ofstream(folder_ + "/admin.sock") << "left behind";
  start({});
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(ApiTest, IssuesListsAndRevokesTokens) {
  const Answer answer = ask("POST", "/api/v1/tokens",
                            R"({"principal":"agent-1","targets":["orders"],"ttl_seconds":60,"reason":"a try"})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const json::value issued = json::parse(answer.body);
  const std::string token(issued.at("token").get_string());
  const std::string id(issued.at("id").get_string());
  EXPECT_TRUE(tokens_->verify(token, "orders"));
  EXPECT_FALSE(tokens_->verify(token, "other"));
  EXPECT_NE(last_log().find("by operator uid " + std::to_string(::geteuid())), std::string::npos) << last_log();
  EXPECT_NE(last_log().find("act token.issue"), std::string::npos);
  EXPECT_EQ(last_log().find(token), std::string::npos);

  const json::value list = ask_json("GET", "/api/v1/tokens");
  EXPECT_EQ(list.at("tokens").at(0).at("id").get_string(), id);
  EXPECT_EQ(list.at("tokens").at(0).at("state").get_string(), "valid");
  EXPECT_EQ(json::serialize(list).find(token), std::string::npos);

  EXPECT_EQ(ask("DELETE", "/api/v1/tokens/" + id + "?reason=lost").status, 204);
  EXPECT_NE(last_log().find("act token.revoke"), std::string::npos);
  EXPECT_FALSE(tokens_->verify(token, "orders"));
  EXPECT_EQ(ask("DELETE", "/api/v1/tokens/" + id).status, 404);
  EXPECT_EQ(ask_json("GET", "/api/v1/tokens").at("tokens").at(0).at("revoked_reason").get_string(), "lost");
}

TEST_F(ApiTest, RefusesTokensThatAreNotMeant) {
  for (const char* body :
       {R"({"principal":"nobody"})", R"({"principal":"agent-1","targets":["absent"]})", R"({"principal":7})", "[]", "{",
        R"({"principal":"agent-1","ttl_seconds":7200})", R"({"principal":"agent-1","ttl_seconds":-1})",
        R"({"principal":"agent-1","ttl_seconds":"60"})", R"({"principal":"agent-1","tll":60})", ""}) {
    const Answer answer = ask("POST", "/api/v1/tokens", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.content_type, "application/problem+json");
  }
  EXPECT_TRUE(tokens_->list().empty());
  EXPECT_EQ(last_log(), "");
}

TEST_F(ApiTest, NothingHappensThatCannotBeRecorded) {
  index_->add(store::StatementRow{kOne, 0, 1, "SELECT * FROM customers"});
  const auto draft = tokens_->draft({"agent-1", {}, {}, "", ""}).value();
  ASSERT_TRUE(tokens_->issue(draft));
  gateway_.is_full = true;
  EXPECT_EQ(ask("POST", "/api/v1/tokens", R"({"principal":"agent-1"})").status, 503);
  EXPECT_EQ(ask("DELETE", "/api/v1/tokens/" + draft.row.id).status, 503);
  EXPECT_EQ(ask("DELETE", "/api/v1/sessions/" + kTwo).status, 503);
  EXPECT_EQ(ask("GET", "/api/v1/sessions/" + kOne + "/events").status, 503);
  EXPECT_EQ(ask("GET", "/api/v1/search?q=customers").status, 503);
  EXPECT_EQ(ask("POST", "/api/v1/export", R"({"sessions":[")" + kOne + R"("]})").status, 503);
  EXPECT_EQ(ask("POST", "/api/v1/reindex").status, 503);
  EXPECT_EQ(tokens_->list().size(), 1U);
  EXPECT_TRUE(tokens_->is_revocable(draft.row.id));
  EXPECT_EQ(gateway_.live.size(), 1U);
}

TEST_F(ApiTest, ShowsASessionsEvents) {
  const Answer answer = ask("GET", "/api/v1/sessions/" + kOne + "/events");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.content_type, "application/x-ndjson");
  EXPECT_NE(last_log().find("act replay"), std::string::npos);
  const auto events = lines(answer.body);
  ASSERT_EQ(events.size(), 4U);
  for (const auto& event : events)
    for (const char* key : {"session", "seq", "time", "principal", "target", "kind"})
      EXPECT_TRUE(event.contains(key)) << key;
  EXPECT_EQ(events[1].at("principal").get_string(), "agent-1");
  EXPECT_EQ(events[1].at("target").get_string(), "orders");
  EXPECT_EQ(events[1].at("kind").get_string(), "request");
  EXPECT_EQ(events[1].at("statement").get_string(), "SELECT * FROM customers");
  EXPECT_EQ(json::serialize(events[1].at("parameters")), R"([7,"sam",null])");
  EXPECT_EQ(events[1].at("verdict").get_string(), "permit");
  EXPECT_EQ(events[1].at("rule").get_string(), "readers");
  EXPECT_EQ(events[1].at("time").get_string(), "2026-01-01T00:00:00.000000001Z");
  EXPECT_EQ(events[2].at("rows").to_number<int>(), 3);
  EXPECT_EQ(events[3].at("kind").get_string(), "session_close");
  EXPECT_FALSE(events[2].contains("content"));
  EXPECT_EQ(lines(ask("GET", "/api/v1/sessions/" + kOne + "/events?content=true").body)[2].at("content").get_string(),
            "b2N0ZXRz");
  EXPECT_EQ(ask("GET", "/api/v1/sessions/" + std::string(32, 'c') + "/events").status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/sessions/x/events").status, 400);
  EXPECT_EQ(ask("GET", "/api/v1/sessions/" + kOne + "/events?contents=true").status, 400);
}

TEST_F(ApiTest, FollowsALiveSession) {
  std::string got;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    gateway_.add(kTwo, "session_close", texts({{"reason", "over"}}), 2);
  });
  const auto answer =
      call(folder_, "GET", "/api/v1/sessions/" + kTwo + "/events?follow=true", {}, [&](std::string_view octets) {
        got += octets;
        return true;
      });
  later.join();
  ASSERT_TRUE(answer);
  ASSERT_EQ(lines(got).size(), 3U);
  EXPECT_EQ(lines(got)[2].at("target").get_string(), "orders");
}

TEST_F(ApiTest, ATamperedEventCutsTheAnswerOff) {
  gateway_.add(kTwo, "broken", "", 2);
  std::string got;
  const auto answer = call(folder_, "GET", "/api/v1/sessions/" + kTwo + "/events", {}, [&](std::string_view octets) {
    got += octets;
    return true;
  });
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("before it was complete"), std::string::npos);
  EXPECT_EQ(ask("POST", "/api/v1/reindex").status, 500);
}

TEST_F(ApiTest, ListsSessionsLiveAndPast) {
  ASSERT_TRUE(rebuild_index(gateway_, *index_));
  const json::value all = ask_json("GET", "/api/v1/sessions");
  ASSERT_EQ(all.at("sessions").get_array().size(), 2U);
  EXPECT_EQ(all.at("sessions").at(0).at("session").get_string(), kTwo);
  EXPECT_EQ(all.at("sessions").at(0).at("state").get_string(), "live");
  EXPECT_EQ(all.at("sessions").at(1).at("state").get_string(), "past");
  EXPECT_EQ(all.at("sessions").at(1).at("reason").get_string(), "client left");
  EXPECT_EQ(ask_json("GET", "/api/v1/sessions?state=live").at("sessions").get_array().size(), 1U);
  EXPECT_EQ(ask_json("GET", "/api/v1/sessions?state=past&limit=1").at("sessions").at(0).at("session").get_string(),
            kOne);
  EXPECT_EQ(ask("GET", "/api/v1/sessions?state=dead").status, 400);
  EXPECT_EQ(ask("GET", "/api/v1/sessions?limit=0").status, 400);
  EXPECT_EQ(ask_json("GET", "/api/v1/sessions/" + kOne).at("state").get_string(), "past");
  EXPECT_EQ(ask_json("GET", "/api/v1/sessions/" + kTwo).at("state").get_string(), "live");
  EXPECT_EQ(ask("GET", "/api/v1/sessions/" + std::string(32, 'c')).status, 404);
  EXPECT_EQ(ask("DELETE", "/api/v1/sessions/" + kTwo).status, 204);
  EXPECT_EQ(last_log(), "ended bb by operator uid " + std::to_string(::geteuid()));
  EXPECT_EQ(ask("DELETE", "/api/v1/sessions/" + kTwo).status, 404);
}

TEST_F(ApiTest, SearchShowsWhatTheTrailHasAndNothingElse) {
  EXPECT_EQ(ask("POST", "/api/v1/reindex").status, 200);
  auto hits = lines(ask("GET", "/api/v1/search?q=from%20CUSTOMERS").body);
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_EQ(hits[0].at("statement").get_string(), "SELECT * FROM customers");
  EXPECT_EQ(hits[0].at("principal").get_string(), "agent-1");
  EXPECT_NE(last_log().find("text from CUSTOMERS"), std::string::npos);
  EXPECT_EQ(lines(ask("GET", "/api/v1/search?q=customers").body).size(), 2U);
  EXPECT_EQ(lines(ask("GET", "/api/v1/search?q=nowhere").body).size(), 0U);
  index_->add(store::StatementRow{kOne, 0, 9, "SELECT 'forged customers'"});
  hits = lines(ask("GET", "/api/v1/search?q=forged").body);
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_TRUE(hits[0].contains("notice"));
  EXPECT_EQ(ask("GET", "/api/v1/search").status, 400);
  EXPECT_EQ(ask("GET", "/api/v1/search?q=").status, 400);
  EXPECT_EQ(ask("GET", "/api/v1/search?q=a&q=b").status, 400);
}

TEST_F(ApiTest, TheGatewaysOwnSessionsAreNotIndexed) {
  const std::string own(32, 'f');
  gateway_.add(own, "session_open", open_meta("gateway", "orders", "internal"), 0);
  gateway_.add(own, "request", request_meta("SELECT oid FROM pg_class", ""), 1, 0, 0);
  gateway_.add(own, "session_close", texts({{"reason", "done"}}), 2);
  ASSERT_TRUE(rebuild_index(gateway_, *index_));
  EXPECT_FALSE(index_->session(own));
  EXPECT_TRUE(index_->search("pg_class", 9).value().empty());
  EXPECT_EQ(lines(ask("GET", "/api/v1/sessions/" + own + "/events").body).size(), 3U);
}

TEST_F(ApiTest, ExportsABundle) {
  const Answer answer = ask("POST", "/api/v1/export", R"({"sessions":[")" + kOne + R"("]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body.size(), 200'001U);
  EXPECT_EQ(answer.content_type, "application/x-tar");
  EXPECT_NE(last_log().find("act export"), std::string::npos);
  for (const auto& entry : fs::directory_iterator(folder_))
    EXPECT_EQ(entry.path().filename().string().find("export-"), std::string::npos);
  EXPECT_EQ(ask("POST", "/api/v1/export", R"({"sessions":[]})").status, 400);
  EXPECT_EQ(ask("POST", "/api/v1/export", R"({"sessions":["../../etc"]})").status, 400);
}

TEST_F(ApiTest, AnExportWaitsForTheCheckpointThatCoversIt) {
  gateway_.late_note = "example.org/gate\n3\nroot\n\n";
  gateway_.note = "example.org/gate\n4\nroot\n\n";
  EXPECT_EQ(ask("POST", "/api/v1/export", R"({"sessions":[")" + kOne + R"("]})").status, 200);
  EXPECT_GE(gateway_.heads_asked, 3);
}

TEST_F(ApiTest, TellsTargetsHeadAndHealth) {
  EXPECT_EQ(ask_json("GET", "/api/v1/targets").at("targets").at(0).at("labels").at("env").get_string(), "prod");
  EXPECT_EQ(ask_json("GET", "/api/v1/trail/head").at("size").to_number<int>(), 4);
  EXPECT_EQ(ask_json("GET", "/healthz").at("status").get_string(), "ok");
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/secrets").status, 404);
  EXPECT_EQ(ask("PUT", "/api/v1/tokens").status, 405);
}

TEST_F(ApiTest, ServesExactlyWhatTheDescriptionSays) {
  std::ifstream in(std::string(SALLYPORT_SOURCE_DIR) + "/api/openapi.yaml");
  std::string path;
  std::set<std::string> described;
  for (std::string line; std::getline(in, line) && !line.starts_with("components:");) {
    if (line.starts_with("  /")) path = line.substr(2, line.size() - 3);
    for (const std::string method : {"get", "post", "put", "patch", "delete"})
      if (line == "    " + method + ":") described.insert(method + " " + path);
  }
  EXPECT_EQ(described.size(), 17U);
  std::set<std::string> paths;
  for (const std::string& each : described) paths.insert(each.substr(each.find(' ') + 1));
  for (const std::string& each : paths) {
    std::string address = each;
    if (const auto id = address.find("{id}"); id != std::string::npos) address.replace(id, 4, kOne);
    for (const std::string method : {"get", "post", "put", "patch", "delete"}) {
      std::string word = method;
      std::transform(word.begin(), word.end(), word.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      const Answer answer = ask(word, address, word == "POST" ? "{}" : "");
      const bool is_unknown = answer.status == 405 || answer.body.find("nothing at this address") != std::string::npos;
      EXPECT_EQ(is_unknown, !described.contains(method + " " + each)) << method << " " << each << " " << answer.body;
    }
  }
}

TEST_F(ApiTest, RefusesWhatIsAmbiguous) {
  const std::string start = "POST /api/v1/reindex HTTP/1.1\r\n";
  EXPECT_EQ(raw(start + "Host: a\r\n\r\n"), "HTTP/1.1 200 OK");
  EXPECT_EQ(raw(start + "\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(raw(start + "Host: a\r\nHost: b\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(raw("POST /api/v1/reindex HTTP/1.0\r\nHost: a\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(raw(start + "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(raw(start + "Host: a\r\nTransfer-Encoding: xchunked\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(raw(start + "Host: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(raw(start + "Host: a\r\nContent-Length: 9\r\n\r\n{}"), "HTTP/1.1 408 Request Timeout");
  EXPECT_EQ(raw("GET /api/v1/x%zz HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(raw("GET /api/v1/tokens\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(raw(std::string(20000, 'x')), "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(raw("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"),
            "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(raw("POST /api/v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"),
            "HTTP/1.1 413 Payload Too Large");
  EXPECT_EQ(raw(""), "");
  EXPECT_EQ(raw("\x16\x03\x01"), "HTTP/1.1 400 Bad Request");
}

TEST_F(ApiTest, SilentAndManyOperatorsDoNotBlockOthers) {
  start({.connections = 3, .patience = std::chrono::milliseconds(300)});
  std::vector<int> silent;
  for (int i = 0; i < 3; ++i) silent.push_back(connect_admin(folder_).value());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(ask("GET", "/healthz").status, 503);
  std::this_thread::sleep_for(std::chrono::milliseconds(1600));
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  for (const int socket : silent) ::close(socket);
}

TEST_F(ApiTest, EndsWhileAFollowerWaits) {
  std::thread follower(
      [&] { static_cast<void>(call(folder_, "GET", "/api/v1/sessions/" + kTwo + "/events?follow=true")); });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  socket_.reset();
  follower.join();
}

TEST(Http, ParsesAddresses) {
  const auto request = parse_target("GET", "/a/b%2Fc?x=1%202+3&y");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->path, (std::vector<std::string>{"a", "b/c"}));
  EXPECT_EQ(request->query.at("x"), "1 2 3");
  EXPECT_EQ(request->query.at("y"), "");
  for (const char* bad : {"", "a", "/%", "/%4", "/%00", "/%ff", "/?a=1&a=2", "/?%zz"})
    EXPECT_FALSE(parse_target("GET", bad)) << bad;
  EXPECT_EQ(escape("a b/ü"), "a%20b%2F%C3%BC");
}

}  // namespace
}  // namespace sallyport::api
