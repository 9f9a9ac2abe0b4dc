#include "frontend/pop3d/login_delays.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace godwit::pop3d {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kNow{1h};

TEST(LoginDelays, WithinTheDelay_IsTooEarly) {
  LoginDelays delays;
  EXPECT_TRUE(delays.admit(1, kNow, 60s));
  EXPECT_FALSE(delays.admit(1, kNow, 60s));
  EXPECT_FALSE(delays.admit(1, kNow + 59'999ms, 60s));
  EXPECT_TRUE(delays.admit(2, kNow, 60s)) << "another account";
  EXPECT_TRUE(delays.admit(1, kNow + 60s, 60s)) << "what was refused does not count";
  EXPECT_FALSE(delays.admit(1, kNow + 61s, 60s));
}

TEST(LoginDelays, WithoutADelay_NothingIsRemembered) {
  LoginDelays delays;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(delays.admit(1, kNow, 0s));
  EXPECT_EQ(delays.remembered(), 0u);
}

TEST(LoginDelays, TakenBack_TheNextIsLetIn) {
  LoginDelays delays;
  EXPECT_TRUE(delays.admit(1, kNow, 60s));
  delays.take_back(1);
  EXPECT_TRUE(delays.admit(1, kNow, 60s));
}

TEST(LoginDelays, OfAReload_TheNewDelayCounts) {
  LoginDelays delays;
  EXPECT_TRUE(delays.admit(1, kNow, 60s));
  EXPECT_TRUE(delays.admit(1, kNow + 10s, 5s));
  EXPECT_FALSE(delays.admit(1, kNow + 20s, 1h));
}

TEST(LoginDelays, WhatIsOver_IsForgotten) {
  LoginDelays delays;
  for (directory::AccountId account = 0; account < 100'000; ++account)
    ASSERT_TRUE(delays.admit(account, kNow + account * 100ms, 60s));  // 600 of them within a minute
  EXPECT_LT(delays.remembered(), 2'000u);
}

TEST(LoginDelays, FromManyThreads_OneIsLetIn) {
  LoginDelays delays;
  std::atomic<int> let_in{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (directory::AccountId account = 0; account < 1'000; ++account) let_in += delays.admit(account, kNow, 60s) ? 1 : 0;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(let_in, 1'000);
}

}  // namespace
}  // namespace godwit::pop3d
