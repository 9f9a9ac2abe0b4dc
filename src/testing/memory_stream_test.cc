#include "testing/memory_stream.h"

#include <gtest/gtest.h>

#include <optional>

#include "testing/test_loop.h"

namespace godwit::testing {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(30);

Task<> read_once(net::Stream& stream) {
  char bytes[10];
  ignore(co_await stream.read(bytes, kTimeout), "it never ends");
}

TEST(MemoryStream, LoopDiesWhileSomebodyWaits_TheOtherEndMayStillClose) {
  std::optional<TestLoop> loop(std::in_place);
  auto [server, client] = make_memory_streams(loop->clock());
  loop->start(read_once(*server));
  loop->poll();
  loop.reset();  // its clock goes, then the coroutine with its timer
  client->close();
}

TEST(MemoryStream, AcknowledgeNow_IsCountedAtBothEnds) {
  TestLoop loop;
  auto [server, client] = make_memory_streams(loop.clock());
  client->acknowledge_now();
  client->acknowledge_now();
  EXPECT_EQ(acknowledgements(*client), 2u);
  EXPECT_EQ(peer_acknowledgements(*server), 2u);
  EXPECT_EQ(acknowledgements(*server), 0u);
}

TEST(MemoryStream, FakeTls_PassesAcknowledgeNowOn) {
  TestLoop loop;
  FakeTls tls;
  auto [server, client] = make_memory_streams(loop.clock());
  const auto wrapped = loop.run(tls.connect(std::move(client), "mx.example.org", kTimeout));
  ASSERT_TRUE(wrapped);
  (*wrapped)->acknowledge_now();
  EXPECT_EQ(acknowledgements(**wrapped), 1u);
  EXPECT_EQ(peer_acknowledgements(*server), 1u);
}

}  // namespace
}  // namespace godwit::testing
