#include "edge/net/deflate_stream.h"

#include <gtest/gtest.h>

#include "testing/memory_stream.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::net {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);

Task<std::string> read_bytes(Stream& stream, std::size_t count, std::size_t piece) {
  std::string all;
  std::string room(piece, '\0');
  while (all.size() < count) {
    const auto got = co_await stream.read(std::span<char>(room).first(std::min(piece, count - all.size())), kPatience);
    if (!got || *got == 0) break;
    all.append(room, 0, *got);
  }
  co_return all;
}

Task<> write_all(Stream& stream, std::string bytes) { EXPECT_TRUE((co_await stream.write(bytes, kPatience)).has_value()); }

class Deflate : public ::testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    testing::MemoryStreamOptions options;
    options.segment = GetParam();
    auto [server, client] = testing::make_memory_streams(loop_.clock(), options);
    server_ = make_deflate_stream(std::move(server));
    plain_client_ = client.get();
    client_ = make_deflate_stream(std::move(client));
  }

  testing::TestLoop loop_;
  std::unique_ptr<Stream> server_;
  std::unique_ptr<Stream> client_;
  Stream* plain_client_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Segments, Deflate, ::testing::Values(0, 1, 7));

TEST_P(Deflate, EachWrite_CanBeReadAtOnce_BothWays) {
  for (const std::string text : {"* OK hello\r\n", "a", "a1 NOOP\r\n"}) {
    loop_.run(write_all(*server_, text));
    EXPECT_EQ(loop_.run(read_bytes(*client_, text.size(), 100)), text);
    loop_.run(write_all(*client_, text));
    EXPECT_EQ(loop_.run(read_bytes(*server_, text.size(), 100)), text);
  }
}

TEST_P(Deflate, MuchInLittle_IsHandedOutAsItIsAskedFor) {
  const std::string text(500'000, 'x');
  loop_.run(write_all(*server_, text));
  EXPECT_EQ(loop_.run(read_bytes(*client_, text.size(), 1'000)), text);
}

TEST_P(Deflate, NoiseComesThroughWhole) {
  testing::SeededRandom random{3};
  std::string noise(60'000, '\0');
  for (char& c : noise) c = static_cast<char>(random.below(256));
  loop_.run(write_all(*client_, noise));
  EXPECT_EQ(loop_.run(read_bytes(*server_, noise.size(), 4'096)), noise);
}

TEST_P(Deflate, Rubbish_IsAnErrorAndNoCrash) {
  loop_.run(write_all(*plain_client_, std::string(1'000, '\xff')));
  std::string room(100, '\0');
  EXPECT_FALSE(loop_.run(server_->read(std::span<char>(room), kPatience)).has_value());
}

Task<> wait_for_bytes(Stream& stream, std::string& how) {
  const auto waited = co_await stream.wait_readable(kPatience);
  how = waited ? "readable" : waited.error().cause == Error::Cause::cancelled ? "cancelled" : "failed";
}

// The end of a write's flush may come in a segment of its own: it is no byte to read.
TEST_P(Deflate, FlushMarkerAlone_IsNothingToRead) {
  loop_.run(write_all(*client_, std::string(512, 'x')));
  EXPECT_EQ(loop_.run(read_bytes(*server_, 512, 512)), std::string(512, 'x'));
  std::string how;
  loop_.start(wait_for_bytes(*server_, how));
  loop_.poll();
  EXPECT_EQ(how, "");
  server_->cancel();
  loop_.poll();
  EXPECT_EQ(how, "cancelled");
  how.clear();
  loop_.start(wait_for_bytes(*server_, how));
  loop_.run(write_all(*client_, "more"));
  loop_.poll();
  EXPECT_EQ(how, "readable");
  EXPECT_EQ(loop_.run(read_bytes(*server_, 4, 2)), "more");
}

TEST_P(Deflate, PeerEnds_ReadSaysSo) {
  loop_.run(write_all(*client_, "bye"));
  client_->close();
  EXPECT_EQ(loop_.run(read_bytes(*server_, 100, 100)), "bye");
}

}  // namespace
}  // namespace godwit::net
