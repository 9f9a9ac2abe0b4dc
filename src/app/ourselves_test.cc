#include "app/ourselves.h"

#include <gtest/gtest.h>

namespace godwit::app {
namespace {

bool is_ours(std::string_view listener, std::string_view endpoint) {
  ListenerConfig door;
  door.protocol = "smtp";
  door.addresses.push_back(*parse_endpoint(listener));
  const Ourselves ourselves({door}, {*parse_ip("192.0.2.1"), *parse_ip("2001:db8::1")});
  return ourselves.contains(*parse_endpoint(endpoint));
}

TEST(Ourselves, IsTheAddressAndPortOfAListener) {
  EXPECT_TRUE(is_ours("127.0.0.10:25", "127.0.0.10:25"));
  EXPECT_FALSE(is_ours("127.0.0.10:25", "127.0.0.10:26"));
  EXPECT_FALSE(is_ours("127.0.0.10:25", "127.0.0.20:25")) << "another server of this machine";
  EXPECT_FALSE(is_ours("192.0.2.1:25", "127.0.0.1:25"));
}

TEST(Ourselves, AWildcardIsEveryAddressOfTheMachine) {
  EXPECT_TRUE(is_ours("0.0.0.0:25", "192.0.2.1:25"));
  EXPECT_TRUE(is_ours("0.0.0.0:25", "127.0.0.53:25"));
  EXPECT_TRUE(is_ours("0.0.0.0:25", "0.0.0.0:25"));
  EXPECT_FALSE(is_ours("0.0.0.0:25", "192.0.2.9:25"));
  EXPECT_FALSE(is_ours("0.0.0.0:25", "[2001:db8::1]:25"));
  EXPECT_TRUE(is_ours("[::]:25", "[2001:db8::1]:25"));
  EXPECT_FALSE(is_ours("[::]:25", "192.0.2.1:25"));
  EXPECT_FALSE(is_ours("[::]:25", "192.0.2.1:587"));
}

}  // namespace
}  // namespace godwit::app
