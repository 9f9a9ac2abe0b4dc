#include "state/directory/credential.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::directory {
namespace {

using testing::TestLoop;

class CredentialTest : public ::testing::Test {
 protected:
  Result<bool> verify(Credentials& credentials, std::optional<Secret> secret, std::string password) {
    return loop_.run(credentials.verify(std::move(secret), std::move(password)));
  }
  Secret secret(std::uint32_t account, std::string_view password, store::RowVersion version = 1) {
    return {account, version, *crypto::hash_password(password)};
  }

  TestLoop loop_;
  BlockingPool inline_pool_{0};
  testing::SeededRandom random_{1};
  Credentials credentials_{inline_pool_, loop_.clock(), random_, {}};
};

TEST_F(CredentialTest, Password_RightOrWrong) {
  const Secret anna = secret(1, "swordfish");
  EXPECT_EQ(*verify(credentials_, anna, "swordfish"), true);
  EXPECT_EQ(*verify(credentials_, anna, "Swordfish"), false);
  EXPECT_EQ(*verify(credentials_, anna, ""), false);
}

TEST_F(CredentialTest, HashOfPassword_Verifies) {
  auto hash = loop_.run(credentials_.hash("p\xc3\xa4ss"));
  ASSERT_TRUE(hash.has_value());
  EXPECT_TRUE(crypto::verify_password("p\xc3\xa4ss", *hash));
  EXPECT_FALSE(loop_.run(credentials_.hash("")).has_value());
  EXPECT_FALSE(loop_.run(credentials_.hash(std::string(1'025, 'x'))).has_value());
}

TEST_F(CredentialTest, Success_IsRememberedTenMinutes) {
  const Secret anna = secret(1, "swordfish");
  EXPECT_TRUE(*verify(credentials_, anna, "swordfish"));
  EXPECT_EQ(credentials_.checks(), 1u);
  loop_.advance(std::chrono::minutes(9));
  EXPECT_TRUE(*verify(credentials_, anna, "swordfish"));
  EXPECT_EQ(credentials_.checks(), 1u);
  loop_.advance(std::chrono::minutes(1));
  EXPECT_TRUE(*verify(credentials_, anna, "swordfish"));
  EXPECT_EQ(credentials_.checks(), 2u);
}

TEST_F(CredentialTest, WrongPassword_IsNotLetInByTheMemory) {
  const Secret anna = secret(1, "swordfish");
  EXPECT_TRUE(*verify(credentials_, anna, "swordfish"));
  EXPECT_FALSE(*verify(credentials_, anna, "guess"));
  EXPECT_FALSE(*verify(credentials_, secret(2, "other"), "swordfish"));
  EXPECT_TRUE(*verify(credentials_, anna, "swordfish"));
  EXPECT_EQ(credentials_.checks(), 3u);
}

TEST_F(CredentialTest, ChangedPassword_ForgetsTheSuccess) {
  EXPECT_TRUE(*verify(credentials_, secret(1, "old", 1), "old"));
  EXPECT_FALSE(*verify(credentials_, secret(1, "new", 2), "old"));
  EXPECT_TRUE(*verify(credentials_, secret(1, "new", 2), "new"));
  credentials_.forget(1);
  EXPECT_TRUE(*verify(credentials_, secret(1, "new", 2), "new"));
  EXPECT_EQ(credentials_.checks(), 4u);
}

TEST_F(CredentialTest, UnknownUser_CostsACheckAsWell) {
  EXPECT_FALSE(*verify(credentials_, std::nullopt, "anything"));
  EXPECT_FALSE(*verify(credentials_, std::nullopt, ""));
  EXPECT_EQ(credentials_.checks(), 2u);
}

TEST_F(CredentialTest, FullQueue_AnswersLimitAndDrains) {
  BlockingPool pool(1);
  Credentials credentials(pool, loop_.clock(), random_, {.at_once = 1, .waiting = 2, .remembered = 10, .remember_for = Duration(1'000)});
  const Secret anna = secret(1, "swordfish");
  int right = 0, refused = 0;
  auto attempt = [](Credentials& from, Secret who, int& right_count, int& refused_count) -> Task<> {
    const auto result = co_await from.verify(std::move(who), "swordfish");
    if (result)
      right_count += *result ? 1 : 0;
    else if (result.error().cause == Error::Cause::limit)
      ++refused_count;
  };
  for (int i = 0; i < 5; ++i) loop_.start(attempt(credentials, anna, right, refused));
  loop_.run_until([&] { return right + refused == 5; });
  EXPECT_EQ(right, 3);
  EXPECT_EQ(refused, 2);
  EXPECT_TRUE(*verify(credentials, anna, "swordfish"));  // the places are free again
}

TEST_F(CredentialTest, ManyAccounts_AreNotRememberedWithoutBound) {
  Credentials credentials(inline_pool_, loop_.clock(), random_,
                          {.at_once = 1, .waiting = 2, .remembered = 2, .remember_for = Duration(1'000)});
  for (std::uint32_t account = 1; account <= 3; ++account) EXPECT_TRUE(*verify(credentials, secret(account, "x"), "x"));
  EXPECT_EQ(credentials.checks(), 3u);
  EXPECT_TRUE(*verify(credentials, secret(3, "x", 1), "x"));
  EXPECT_EQ(credentials.checks(), 3u);
}

}  // namespace
}  // namespace godwit::directory
