#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proto/postgres/login.h"
#include "proto/postgres/messages.h"
#include "proto/postgres/transcript.h"

namespace sallyport::proto::postgres {
namespace {

using base::Bytes;
using base::View;
using Login = TargetLogin;

// Computed with Python's hashlib and hmac from: password "pencil", nonce of 18 'n', salt "0123456789abcdef", 4096
// rounds.
const Bytes kFirst = "n=,r=bm5ubm5ubm5ubm5ubm5ubm5u";
const Bytes kServerFirst = "r=bm5ubm5ubm5ubm5ubm5ubm5userver,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096";

TargetLoginOptions options(TargetTls tls) {
  TargetLoginOptions options;
  options.user = "gateway_user";
  options.database = "sales";
  options.password = base::Secret("pencil");
  options.settings = {{"application_name", "psql"}, {"Client_Encoding", "LATIN1"}, {"user", "other"}};
  options.tls = tls;
  options.nonce = Bytes(18, 'n');
  return options;
}

Bytes request(std::uint32_t method, View rest = {}) {
  Bytes out;
  FrameWriter(out, 'R').number(method).octets(rest);
  return out;
}
Bytes parameter(View name, View value) {
  Bytes out;
  FrameWriter(out, 'S').string(name).string(value);
  return out;
}
Bytes key_data() {
  Bytes out;
  FrameWriter(out, 'K').number<std::uint32_t>(77).number<std::uint32_t>(88);
  return out;
}
Bytes saying(View octets) {
  Bytes out;
  FrameWriter(out, 'p').octets(octets);
  return out;
}
Bytes first_message(View mechanism, View text) {
  Bytes out;
  FrameWriter(out, 'p').string(mechanism).number(static_cast<std::uint32_t>(text.size())).octets(text);
  return out;
}
const Bytes kReady =
    request(0) + parameter("client_encoding", "UTF8") + parameter("server_version", "15.4") + key_data() + ready('I');
const Bytes kMechanisms("SCRAM-SHA-256\0\0", 15), kBothMechanisms("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0", 34);

/// Gives the target's messages one by one; notes what we said.
struct Gateway {
  explicit Gateway(TargetLoginOptions with, Bytes certificate = {})
      : login(make_target_login(std::move(with))), certificate_hash(std::move(certificate)) {}

  std::unique_ptr<Login> login;
  Bytes certificate_hash;
  std::vector<Bytes> said;

  Login::Action hear(View octets) {
    Bytes given(octets);
    for (;;) {
      const std::vector<char> block(given.begin(), given.end());
      auto action = login->resume({block.data(), block.size()});
      given.clear();
      if (auto* send = std::get_if<Login::Send>(&action)) {
        said.push_back(send->octets);
      } else if (std::holds_alternative<Login::Secure>(action)) {
        login->secured(certificate_hash);
      } else {
        return action;
      }
    }
  }
};

bool is_failed(const Login::Action& action) { return std::holds_alternative<Login::Failed>(action); }
std::string message_of(const Login::Action& action) {
  const auto* failed = std::get_if<Login::Failed>(&action);
  return failed ? failed->reason.message : "";
}

TEST(TargetLogin, ScramWithoutTls) {
  Gateway gateway(options(TargetTls::disable));
  gateway.hear({});
  ASSERT_EQ(gateway.said.size(), 1u);
  EXPECT_EQ(gateway.said[0].substr(4),
            Bytes("\0\3\0\0", 4) + Bytes("user\0gateway_user\0database\0sales\0client_encoding\0UTF8\0"
                                         "standard_conforming_strings\0on\0application_name\0psql\0\0",
                                         108));
  gateway.hear(request(10, kMechanisms));
  EXPECT_EQ(gateway.said.back(), first_message("SCRAM-SHA-256", "n,," + kFirst));
  gateway.hear(request(11, kServerFirst));
  EXPECT_EQ(gateway.said.back(),
            saying("c=biws,r=bm5ubm5ubm5ubm5ubm5ubm5userver,p=vAjj5nIHb94kJZzzcyQY0KVIKZuh6KKpsPeesRLJAxE="));
  auto action = gateway.hear(request(12, "v=e4MCz/V7Odg5nvjPbioLtJINMGM1yg3e9XDYYZ+HEUA=") + kReady + "rest");
  const auto& done = std::get<Login::Done>(action);
  EXPECT_EQ(done.parameters, (Settings{{"client_encoding", "UTF8"}, {"server_version", "15.4"}}));
  EXPECT_EQ(done.process, 77u);
  EXPECT_EQ(done.key, 88u);
  EXPECT_EQ(done.rest, "rest");
}

TEST(TargetLogin, ScramBindsToTheCertificateWhereItCan) {
  Gateway bound(options(TargetTls::require), Bytes(32, 'h'));
  bound.hear({});
  EXPECT_EQ(bound.said.back(), Bytes("\0\0\0\x08\x04\xd2\x16\x2f", 8));
  bound.hear("S");
  bound.hear(request(10, kBothMechanisms));
  EXPECT_EQ(bound.said.back(), first_message("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,," + kFirst));
  bound.hear(request(11, kServerFirst));
  EXPECT_EQ(bound.said.back(),
            saying("c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg=,"
                   "r=bm5ubm5ubm5ubm5ubm5ubm5userver,p=6YBDSzLZhr1GRmjtdor+cugEFH9fNNtLmVWA+eJA/0s="));
  EXPECT_TRUE(std::holds_alternative<Login::Done>(
      bound.hear(request(12, "v=ZTyIwToU3ULhFouRt9dSeTwgoi64Y9PWdC7slVnecZc=") + kReady)));

  // It tells that it could have bound, so that a downgrade by somebody between is found.
  Gateway unbound(options(TargetTls::require), Bytes(32, 'h'));
  unbound.hear({});
  unbound.hear("S");
  unbound.hear(request(10, kMechanisms));
  EXPECT_EQ(unbound.said.back(), first_message("SCRAM-SHA-256", "y,," + kFirst));
  unbound.hear(request(11, kServerFirst));
  EXPECT_EQ(unbound.said.back(),
            saying("c=eSws,r=bm5ubm5ubm5ubm5ubm5ubm5userver,p=ecvQc4nkIxLLvMePvtNRoaH/UYjiXeRV2A7TQsYDmnQ="));

  Gateway plain(options(TargetTls::disable));
  plain.hear({});
  plain.hear(request(10, kBothMechanisms));
  EXPECT_EQ(plain.said.back(), first_message("SCRAM-SHA-256", "n,," + kFirst));
}

TEST(TargetLogin, TargetMustProveItself) {
  const Bytes wrong = request(12, "v=AAAAz/V7Odg5nvjPbioLtJINMGM1yg3e9XDYYZ+HEUA=");
  for (const Bytes& final_message : {wrong, request(12, "e=invalid-proof"), request(12), Bytes()}) {
    Gateway gateway(options(TargetTls::disable));
    gateway.hear({});
    gateway.hear(request(10, kMechanisms));
    gateway.hear(request(11, kServerFirst));
    EXPECT_TRUE(is_failed(gateway.hear(final_message + kReady)));
  }
}

TEST(TargetLogin, ServerFirstMessageIsChecked) {
  for (const char* text :
       {"r=other,s=MDEy,i=4096", "r=bm5ubm5ubm5ubm5ubm5ubm5u,s=MDEy,i=4096", "r=bm5ubm5ubm5ubm5ubm5ubm5uX,s=,i=4096",
        "r=bm5ubm5ubm5ubm5ubm5ubm5uX,s=MDEy,i=0", "r=bm5ubm5ubm5ubm5ubm5ubm5uX,s=MDEy,i=99999999",
        "r=bm5ubm5ubm5ubm5ubm5ubm5uX,s=MDEy,i=1x", "m=x,r=bm5ubm5ubm5ubm5ubm5ubm5uX,s=MDEy,i=4096", ""}) {
    Gateway gateway(options(TargetTls::disable));
    gateway.hear({});
    gateway.hear(request(10, kMechanisms));
    EXPECT_TRUE(is_failed(gateway.hear(request(11, text)))) << text;
  }
}

TEST(TargetLogin, TlsIsDemanded) {
  for (const TargetTls tls : {TargetTls::require, TargetTls::verify_ca, TargetTls::verify_full}) {
    for (const Bytes& answer : {Bytes("N"), Bytes("Sx"), Bytes("?"), error("0A000"), Bytes("N") + kReady}) {
      Gateway gateway(options(tls));
      gateway.hear({});
      EXPECT_TRUE(is_failed(gateway.hear(answer)));
      EXPECT_EQ(gateway.said.size(), 1u);  // nothing but the request for TLS was said
    }
  }
}

TEST(TargetLogin, WeakMethodsOnlyWhereAllowed) {
  Gateway clear(options(TargetTls::disable));
  clear.hear({});
  EXPECT_NE(message_of(clear.hear(request(3))).find("clear text"), std::string::npos);
  Gateway md5(options(TargetTls::disable));
  md5.hear({});
  EXPECT_NE(message_of(md5.hear(request(5, "salt"))).find("MD5"), std::string::npos);

  auto lenient = options(TargetTls::disable);
  lenient.allowed = {false, true, true};
  Gateway both(std::move(lenient));
  both.hear({});
  both.hear(request(5, "salt"));
  // md5(md5("pencil" "gateway_user") "salt")
  EXPECT_EQ(both.said.back(), saying(Bytes("md58274367eb92a2a784c6e7ace601f292d") + '\0'));
  EXPECT_TRUE(std::holds_alternative<Login::Done>(both.hear(kReady)));

  auto scramless = options(TargetTls::disable);
  scramless.allowed = {false, true, true};
  Gateway refusing(std::move(scramless));
  refusing.hear({});
  EXPECT_NE(message_of(refusing.hear(request(10, kMechanisms))).find("SCRAM"), std::string::npos);
}

TEST(TargetLogin, ErrorsDoNotTellTheCredential) {
  Gateway wrong(options(TargetTls::disable));
  wrong.hear({});
  auto action = wrong.hear(error("28P01", "FATAL"));
  EXPECT_NE(message_of(action).find("credential"), std::string::npos);
  EXPECT_TRUE(std::get<Login::Failed>(action).target_error.empty());

  Gateway missing(options(TargetTls::disable));
  missing.hear({});
  action = missing.hear(request(0) + error("3D000", "FATAL"));
  EXPECT_EQ(std::get<Login::Failed>(action).target_error, error("3D000", "FATAL"));

  Bytes naming;
  FrameWriter(naming, 'E').octets("SFATAL").octets({"\0C42501\0Mno gateway_user\0\0", 24});
  Gateway named(options(TargetTls::disable));
  named.hear({});
  action = named.hear(request(0) + naming);
  EXPECT_TRUE(is_failed(action));
  EXPECT_TRUE(std::get<Login::Failed>(action).target_error.empty());
  EXPECT_EQ(message_of(action).find("gateway_user"), std::string::npos);
}

TEST(TargetLogin, EncodingOfTheTargetIsPinned) {
  Gateway gateway(options(TargetTls::disable));
  gateway.hear({});
  EXPECT_NE(message_of(gateway.hear(request(0) + parameter("client_encoding", "LATIN1"))).find("client_encoding"),
            std::string::npos);
}

TEST(TargetLogin, FailingAtEachStep) {
  const std::vector<Bytes> steps = {"S",
                                    request(10, kMechanisms),
                                    request(11, kServerFirst),
                                    request(12, "v=tkLlQNA0flSxXhE/wnm5EL08yKIDMDvO9tLllpLb/90="),
                                    request(0),
                                    parameter("client_encoding", "UTF8"),
                                    key_data(),
                                    ready('I')};
  const std::vector<Bytes> wrongs = {error("57P03", "FATAL"),
                                     ready('T'),
                                     request(8),
                                     request(10, "x"),
                                     Bytes("?\0\0\0\x04", 5),
                                     Bytes("R\0\0\0\0", 5),
                                     Bytes("R\xff\xff\xff\xff", 5),
                                     data_row("x"),
                                     Bytes("E\0\0\0\x05x", 6)};
  for (std::size_t good = 0; good <= steps.size(); ++good) {
    for (const Bytes& wrong : wrongs) {
      Gateway gateway(options(TargetTls::require), Bytes(32, 'h'));
      auto action = gateway.hear({});
      for (std::size_t at = 0; at < good; ++at) action = gateway.hear(steps[at]);
      if (good == steps.size()) {
        EXPECT_TRUE(std::holds_alternative<Login::Done>(action));
      } else {
        EXPECT_TRUE(is_failed(gateway.hear(wrong))) << good << " " << base::to_hex(wrong);
      }
    }
  }
}

}  // namespace
}  // namespace sallyport::proto::postgres
