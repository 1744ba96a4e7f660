#include <gtest/gtest.h>

#include <future>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/core.h"
#include "net/signal.h"
#include "net/stream.h"

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
