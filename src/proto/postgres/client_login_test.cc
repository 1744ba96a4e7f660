#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proto/postgres/login.h"
#include "proto/postgres/messages.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::View;
using Login = ClientLogin;

const Bytes kSsl("\0\0\0\x08\x04\xd2\x16\x2f", 8), kGss("\0\0\0\x08\x04\xd2\x16\x30", 8);
const Bytes kAskToken("R\0\0\0\x08\0\0\0\x03", 9);

Bytes startup(const Settings& parameters, std::uint32_t version = 3U << 16) {
  Bytes body;
  base::append_big(body, version);
  for (const auto& [name, value] : parameters) body += name + '\0' + value + '\0';
  body.push_back('\0');
  Bytes out;
  base::append_big(out, static_cast<std::uint32_t>(body.size() + 4));
  return out + body;
}
Bytes password(View token) {
  Bytes out;
  FrameWriter(out, 'p').string(token);
  return out;
}

/// Drives the login with what the client sends, in pieces of `chunk`, as a session would.
struct Client {
  explicit Client(ClientTls tls) : login(make_client_login({tls})) {}

  std::unique_ptr<Login> login;
  Bytes answers;
  bool is_secure = false;

  /// The first Action that is not one of Send, Secure, NeedMore; NeedMore when all was taken.
  Login::Action send(View octets, std::size_t chunk = View::npos) {
    Bytes given;
    for (;;) {
      const std::vector<char> block(given.begin(), given.end());
      auto action = login->resume({block.data(), block.size()});
      given.clear();
      if (auto* said = std::get_if<Login::Send>(&action)) {
        answers += said->octets;
      } else if (auto* secure = std::get_if<Login::Secure>(&action)) {
        answers += secure->octets;
        is_secure = true;
        login->secured();
      } else if (std::holds_alternative<Login::NeedMore>(action) && !octets.empty()) {
        given = octets.substr(0, chunk);
        octets.remove_prefix(given.size());
      } else {
        return action;
      }
    }
  }
};

std::string code_of(const Login::Action& action) {
  const auto* rejected = std::get_if<Login::Reject>(&action);
  if (!rejected) return "accepted";
  const auto fields = read_error(View(rejected->octets).substr(kHeader));
  return fields ? std::string(fields->severity) + " " + std::string(fields->code) : "malformed";
}

TEST(ClientLogin, AsksForTheTokenInsideTls) {
  Client client(ClientTls::required);
  EXPECT_TRUE(std::holds_alternative<Login::NeedMore>(client.send(kGss)));
  EXPECT_TRUE(std::holds_alternative<Login::NeedMore>(client.send(kSsl)));
  EXPECT_EQ(client.answers, "NS");
  EXPECT_TRUE(client.is_secure);
  client.answers.clear();
  EXPECT_TRUE(std::holds_alternative<Login::NeedMore>(
      client.send(startup({{"user", "u"}, {"database", "orders/sales"}, {"application_name", "psql"}}))));
  EXPECT_EQ(client.answers, kAskToken);
  auto action = client.send(password("sp_token") + "Qrest");
  auto& who = std::get<Login::Identify>(action);
  EXPECT_EQ(who.target, "orders");
  EXPECT_EQ(who.database, "sales");
  EXPECT_EQ(who.user, "u");
  EXPECT_EQ(who.token.reveal(), "sp_token");
  EXPECT_EQ(who.settings, (Settings{{"application_name", "psql"}}));
  EXPECT_EQ(client.login->take_rest(), "Qrest");
  Bytes expected("R\0\0\0\x08\0\0\0\0S\0\0\0\x08q\0v\0K\0\0\0\x0c\0\0\0\x01\0\0\0\x02Z\0\0\0\x05I", 9 + 9 + 13 + 6);
  EXPECT_EQ(client.login->accept({{"q", "v"}}, 1, 2), expected);
}

TEST(ClientLogin, GivesTheSameForAnyChunks) {
  const Bytes all = startup({{"user", "u"}, {"database", "t"}}) + password("abc");
  for (std::size_t chunk = 1; chunk <= all.size(); ++chunk) {
    Client client(ClientTls::none);
    auto action = client.send(all, chunk);
    ASSERT_TRUE(std::holds_alternative<Login::Identify>(action)) << chunk;
    EXPECT_EQ(std::get<Login::Identify>(action).token.reveal(), "abc");
    EXPECT_EQ(client.answers, kAskToken);
  }
}

TEST(ClientLogin, PlainTextIsRefusedBeforeAnyRequestForAToken) {
  Client client(ClientTls::required);
  EXPECT_EQ(code_of(client.send(startup({{"user", "u"}}))), "FATAL 28000");
  EXPECT_EQ(client.answers, "");
}

TEST(ClientLogin, OctetsBehindTheRequestForTlsAreFatal) {
  Client client(ClientTls::required);
  EXPECT_EQ(code_of(client.send(kSsl + startup({{"user", "u"}}))), "FATAL 08P01");
  EXPECT_FALSE(client.is_secure);
  const auto login = make_client_login({ClientTls::required});
  EXPECT_TRUE(std::holds_alternative<Login::Secure>(login->resume(kSsl)));
  EXPECT_EQ(code_of(login->resume("x")), "FATAL 08P01");
}

TEST(ClientLogin, EachRequestForEncryptionOnce) {
  Client twice(ClientTls::none);
  EXPECT_EQ(code_of(twice.send(kSsl + Bytes())), "accepted");
  EXPECT_EQ(code_of(twice.send(kSsl)), "FATAL 08P01");
  Client gss(ClientTls::none);
  EXPECT_EQ(code_of(gss.send(kGss + kGss)), "FATAL 08P01");
  Client inside(ClientTls::required);
  inside.send(kSsl);
  EXPECT_EQ(code_of(inside.send(kSsl)), "FATAL 08P01");
}

TEST(ClientLogin, CancelIsNoSession) {
  Client client(ClientTls::required);
  const auto action = client.send(Bytes("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07\0\0\0\x09", 16));
  EXPECT_EQ(std::get<Login::Cancel>(action).process, 7u);
  EXPECT_EQ(std::get<Login::Cancel>(action).key, 9u);
}

TEST(ClientLogin, NegotiatesTheProtocol) {
  Client client(ClientTls::none);
  client.send(startup({{"user", "u"}, {"_pq_.x", "1"}}, (3U << 16) + 2));
  EXPECT_EQ(client.answers, Bytes("v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.x\0", 20) + kAskToken);
}

TEST(ClientLogin, RefusesWhatItDoesNotKnow) {
  const std::vector<std::pair<Bytes, std::string>> cases = {
      {startup({{"user", "u"}}, 2U << 16), "FATAL 0A000"},
      {startup({{"user", "u"}}, 4U << 16), "FATAL 0A000"},
      {startup({{"database", "d"}}), "FATAL 28000"},
      {startup({{"user", "u"}, {"replication", "database"}}), "FATAL 0A000"},
      {startup({{"user", "u"}, {"replication", "true"}}), "FATAL 0A000"},
      {startup({{"user", "u"}, {"client_encoding", "LATIN1"}}), "FATAL 0A000"},
      {startup({{"user", "u"}, {"options", "-c client_encoding=sql_ascii"}}), "FATAL 0A000"},
      {startup({{"user", "u"}, {"options", "-c standard_conforming_strings=off"}}), "FATAL 0A000"},
      {startup({{"user", "u"}, {"options", "-d 5"}}), "FATAL 0A000"},
      {startup({{"user", "u"}, {"options", "-c work_mem"}}), "FATAL 08P01"},
      {Bytes("\0\0\0\x07\0\0\0\0", 8), "FATAL 08P01"},
      {Bytes("\0\0\x27\x11\0\x03\0\0", 8), "FATAL 08P01"},
      {Bytes("GET / HTTP/1.1\r\n"), "FATAL 08P01"},
      {Bytes("\0\0\0\x0d\0\x03\0\0user\0", 13), "FATAL 08P01"},
      {startup({{"user", "u"}}) + "Q", "accepted"},
      {startup({{"user", "u"}}) + "Q\0\0\0\x05", "FATAL 08P01"},
      {startup({{"user", "u"}}) + password(""), "FATAL 28000"},
      {startup({{"user", "u"}}) + Bytes("p\0\0\0\x08"
                                        "a\0b\0",
                                        9),
       "FATAL 08P01"},
      {startup({{"user", "u"}}) + Bytes("p\0\0\x30\0", 5), "FATAL 08P01"},
      {startup({{"user", "u"}}) + Bytes("X\0\0\0\x04", 5), "malformed"},
      {startup({{"user", "u"}, {"replication", "off"}, {"client_encoding", "'utf-8'"}}) + password("t"), "accepted"},
  };
  for (std::size_t at = 0; at < cases.size(); ++at) {
    Client client(ClientTls::none);
    if (cases[at].second == "malformed") {  // it left by itself: there is nobody to tell
      EXPECT_TRUE(std::get<Login::Reject>(client.send(cases[at].first)).octets.empty());
    } else {
      const Bytes octets =
          at == 15 ? cases[at].first.substr(0, cases[at].first.find('Q')) + Bytes("Q\0\0\0\x05", 5) : cases[at].first;
      EXPECT_EQ(code_of(client.send(octets)), cases[at].second) << "case " << at;
    }
  }
}

TEST(ClientLogin, ReadsOptionsAsTheServerDoes) {
  Client client(ClientTls::none);
  auto action = client.send(
      startup({{"user", "u"}, {"options", "  -c a=1 --search-path=x\\ y,\\\\z -cb=  -c c=d=e"}, {"DateStyle", "ISO"}}) +
      password("t"));
  EXPECT_EQ(std::get<Login::Identify>(action).settings,
            (Settings{{"a", "1"}, {"search_path", "x y,\\z"}, {"b", ""}, {"c", "d=e"}, {"DateStyle", "ISO"}}));
  EXPECT_EQ(std::get<Login::Identify>(action).target, "u");  // no database stated: as in the server
}

TEST(ClientLogin, FailingAtEachStepHoldsLittleAndEnds) {
  // Whatever the client sends after any prefix of a good login, the login comes to an end.
  const Bytes all = startup({{"user", "u"}}) + password("abc");
  for (std::size_t at = 0; at < all.size(); ++at) {
    for (const char wrong : {'\0', '\x7f', '\xff'}) {
      Client client(ClientTls::none);
      const auto action = client.send(all.substr(0, at) + Bytes(100000, wrong));
      EXPECT_FALSE(std::holds_alternative<Login::NeedMore>(action)) << at;
    }
  }
}

}  // namespace
}  // namespace sallyport::proto::postgres
