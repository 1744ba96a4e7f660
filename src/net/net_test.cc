#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <future>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/core.h"
#include "net/signal.h"
#include "net/stream.h"
#include "net/tls.h"

namespace sallyport::net {
namespace {

TEST(Address, ParsesNamesAndBothFamilies) {
  EXPECT_EQ(parse_address("db1.internal:5432")->host, "db1.internal");
  EXPECT_EQ(parse_address("[2001:db8::1]:5432")->host, "2001:db8::1");
  EXPECT_EQ(parse_address("127.0.0.1:0")->port, 0);
  for (const char* wrong : {"", "host", ":5432", "host:", "host:70000", "host:5x", "2001:db8::1:5432"})
    EXPECT_FALSE(parse_address(wrong)) << wrong;
}

TEST(Signal, KeepsAWakeThatCameFirstAndWakesOneThatWaits) {
  asio::io_context loop;
  Signal signal;
  int passed = 0;
  auto waiter = [](Signal& on, int& count) -> Task<> {
    co_await on.wait();
    ++count;
    co_await on.wait();
    ++count;
  };
  signal.wake();
  asio::co_spawn(loop, waiter(signal, passed), asio::detached);
  loop.poll();  // run() would wait for the coroutine that waits
  EXPECT_EQ(passed, 1);
  signal.wake();
  loop.run();
  EXPECT_EQ(passed, 2);
}

TEST(Stream, CarriesOctetsAndTellsTheEnd) {
  asio::io_context loop;
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  const auto port = acceptor.local_endpoint().port();
  std::string received;
  bool was_abandoned = false;
  auto server = [](asio::ip::tcp::acceptor& from, std::string& to, bool& abandoned) -> Task<> {
    auto stream = make_stream(co_await from.async_accept(asio::use_awaitable));
    char buffer[4];
    while (const auto count = co_await stream->read_some(asio::buffer(buffer))) to.append(buffer, count);
    abandoned = stream->is_abandoned();
  };
  auto client = [](std::uint16_t to) -> Task<> {
    auto stream = make_stream(co_await connect({"127.0.0.1", to}, 5));
    const std::string text = "a longer text than the buffer";
    const auto sent = stream->try_write(text);
    co_await stream->write(base::View(text).substr(sent));
    co_await stream->finish();
  };
  asio::co_spawn(loop, server(acceptor, received, was_abandoned), asio::detached);
  asio::co_spawn(loop, client(port), asio::detached);
  loop.run();
  EXPECT_EQ(received, "a longer text than the buffer");
  EXPECT_TRUE(was_abandoned);
}

/// A key and a certificate that it signed itself, in two files that go with it.
class Identity {
 public:
  Identity() {
    EVP_PKEY* const pair = EVP_EC_gen("P-256");
    X509* const made = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(made), 0);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_set_pubkey(made, pair);
    X509_sign(made, pair, EVP_sha256());
    std::FILE* out = std::fopen(certificate.c_str(), "w");
    PEM_write_X509(out, made);
    std::fclose(out);
    out = std::fopen(key.c_str(), "w");
    PEM_write_PrivateKey(out, pair, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    X509_free(made);
    EVP_PKEY_free(pair);
  }
  ~Identity() {
    ::unlink(certificate.c_str());
    ::unlink(key.c_str());
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  const std::string certificate = testing::TempDir() + "net_test.crt", key = testing::TempDir() + "net_test.key";
};

/// More than the sockets hold, so that both sides must wait; each octet tells its place.
std::string long_text() {
  std::string text(std::size_t{8} << 20, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 + (i >> 13));
  return text;
}

struct Received {
  std::string at_server, at_client;
  bool ended = false;
};

/// Reads to the end and sends all of it back.
Task<> echo(asio::ip::tcp::acceptor* acceptor, std::shared_ptr<const ServerTls> tls, Received* received) {
  auto plain = make_stream(co_await acceptor->async_accept(asio::use_awaitable));
  auto stream = co_await accept_tls(std::move(plain), tls);
  std::string buffer(100'000, '\0');
  while (const auto count = co_await stream->read_some(asio::buffer(buffer)))
    received->at_server.append(buffer, 0, count);
  const auto sent = stream->try_write(received->at_server);
  co_await stream->write(base::View(received->at_server).substr(sent));
  co_await stream->finish();
}

Task<> ask(std::uint16_t port, std::shared_ptr<const ClientTls> tls, std::string text, Received* received) {
  auto secured = co_await connect_tls(make_stream(co_await connect({"127.0.0.1", port}, 5)), tls);
  EXPECT_EQ(secured.certificate_hash.size(), 32U);
  const auto sent = secured.stream->try_write(text);
  EXPECT_LT(sent, text.size());
  co_await secured.stream->write(base::View(text).substr(sent));
  co_await secured.stream->finish();
  char buffer[5000];
  while (const auto count = co_await secured.stream->read_some(asio::buffer(buffer)))
    received->at_client.append(buffer, count);
  received->ended = true;
  // What is closed is nobody's any more, whoever has the number of its socket now.
  secured.stream->close();
  EXPECT_EQ(secured.stream->try_write("late"), 0U);
  EXPECT_THROW(co_await secured.stream->write("late"), boost::system::system_error);
}

TEST(TlsStream, CarriesMoreThanTheSocketsHoldBothWays) {
  const Identity identity;
  asio::io_context loop;
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  const auto server = ServerTls::load(identity.certificate, identity.key);
  const auto client = ClientTls::load(TargetTls::require, "", "127.0.0.1");
  ASSERT_TRUE(server && client);
  Received received;
  const std::string text = long_text();
  asio::co_spawn(loop, echo(&acceptor, *server, &received), asio::detached);
  asio::co_spawn(loop, ask(acceptor.local_endpoint().port(), *client, text, &received), asio::detached);
  loop.run();
  EXPECT_TRUE(received.ended);
  EXPECT_TRUE(received.at_server == text);
  EXPECT_TRUE(received.at_client == text);
}

TEST(TlsStream, RefusesACertificateThatNobodyVouchesFor) {
  const Identity identity;
  asio::io_context loop;
  asio::ip::tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  const auto server = ServerTls::load(identity.certificate, identity.key);
  const auto client = ClientTls::load(TargetTls::verify_ca, identity.key, "127.0.0.1");
  EXPECT_FALSE(client) << "a key is no certificate";
  const auto strict = ClientTls::load(TargetTls::verify_full, "", "127.0.0.1");
  ASSERT_TRUE(server && strict);
  Received received;
  std::string failure;
  asio::co_spawn(loop, echo(&acceptor, *server, &received), [](const std::exception_ptr&) {});
  asio::co_spawn(loop, ask(acceptor.local_endpoint().port(), *strict, "text", &received),
                 [&failure](const std::exception_ptr& error) {
                   try {
                     if (error) std::rethrow_exception(error);
                   } catch (const boost::system::system_error& thrown) {
                     failure = thrown.code().message();
                   }
                 });
  loop.run();
  EXPECT_NE(failure.find("certificate verify failed"), std::string::npos) << failure;
  EXPECT_EQ(received.at_server, "");
}

TEST(Core, RunsWhatIsPostedAndStops) {
  Core core;
  core.start();
  std::promise<std::size_t> done;
  asio::post(core.loop(), [&] { done.set_value(1); });
  EXPECT_EQ(done.get_future().get(), 1U);
  core.stop();
}

}  // namespace
}  // namespace sallyport::net
