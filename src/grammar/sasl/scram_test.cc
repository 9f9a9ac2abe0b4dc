#include "grammar/sasl/scram.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "grammar/sasl/saslprep.h"

namespace godwit::sasl {
namespace {

using namespace std::string_literals;
using crypto::Hash;

constexpr std::string_view kNonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view kFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view kFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramClient client(std::string user = "user", std::string password = "pencil") {
  return ScramClient(Hash::sha256, {"", std::move(user), std::move(password)}, std::string(kNonce));
}

TEST(Scram, Rfc5802Section5_Example) {
  ScramClient sha1(Hash::sha1, {"", "user", "pencil"}, "fyko+d2lbbFgONRv9qkxdawL");
  EXPECT_EQ(sha1.name(), "SCRAM-SHA-1");
  EXPECT_EQ(sha1.initial_response(), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
  const auto proof = sha1.step("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
  ASSERT_TRUE(proof) << proof.error().text;
  EXPECT_EQ(*proof, "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  EXPECT_FALSE(sha1.satisfied());
  const auto last = sha1.step("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
  ASSERT_TRUE(last) << last.error().text;
  EXPECT_EQ(*last, "");
  EXPECT_TRUE(sha1.satisfied());
  EXPECT_FALSE(sha1.step(""));
}

TEST(Scram, Rfc7677Section3_Example) {
  ScramClient sha256 = client();
  EXPECT_EQ(sha256.name(), "SCRAM-SHA-256");
  EXPECT_EQ(sha256.initial_response(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  const auto proof = sha256.step(kFirst);
  ASSERT_TRUE(proof) << proof.error().text;
  EXPECT_EQ(*proof, "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_TRUE(sha256.step(kFinal));
  EXPECT_TRUE(sha256.satisfied());
}

TEST(Scram, WithoutInitialResponse_TheFirstMessageAnswersAnEmptyChallenge) {
  ScramClient late = client();
  EXPECT_EQ(late.step("").value(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_TRUE(late.step(kFirst));
  ScramClient pushed = client();
  EXPECT_FALSE(pushed.step(kFirst)) << "the client speaks first";
}

TEST(Scram, NameWithCommaAndEquals_IsEscaped) { EXPECT_EQ(client("a,b=c").initial_response(), "n,,n=a=2Cb=3Dc,r=rOprNGfwEbeRWgbNEkqO"); }

TEST(Scram, ServerThatDoesNotKnowThePassword_IsNotBelieved) {
  ScramClient wrong = client("user", "pencils");
  ASSERT_TRUE(wrong.initial_response());
  ASSERT_TRUE(wrong.step(kFirst));
  const auto last = wrong.step(kFinal);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().cause, Error::Cause::denied);
  EXPECT_FALSE(wrong.satisfied());
  EXPECT_FALSE(wrong.step(kFinal));
}

TEST(Scram, ServersError_IsTold) {
  ScramClient refused = client();
  ASSERT_TRUE(refused.initial_response());
  ASSERT_TRUE(refused.step(kFirst));
  const auto last = refused.step("e=invalid-proof\r");
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().text, "SCRAM: the server refuses: invalid-proof?");
  EXPECT_FALSE(refused.satisfied());
}

TEST(Scram, FirstMessagesThatAreNone_EndTheExchange) {
  const std::string nonce = "r="s + std::string(kNonce);
  for (const std::string& bad :
       {""s, "r="s, nonce + ",s=QSXCR+Q6sek8bf92,i=4096", "r=other3rf,s=QSXCR+Q6sek8bf92,i=4096"s, nonce + "x,i=4096,s=QSXCR+Q6sek8bf92",
        nonce + "x,s=QSXCR+Q6sek8bf92", nonce + "x,s=,i=4096", nonce + "x,s=!!,i=4096",
        nonce + "x,s=QSXCR+Q6sek8bf92,i=", nonce + "x,s=QSXCR+Q6sek8bf92,i=04096", nonce + "x,s=QSXCR+Q6sek8bf92,i=4095",
        nonce + "x,s=QSXCR+Q6sek8bf92,i=1000001", nonce + "x,s=QSXCR+Q6sek8bf92,i=99999999999", nonce + "x,s=QSXCR+Q6sek8bf92,i=-1",
        "m=ext," + nonce + "x,s=QSXCR+Q6sek8bf92,i=4096", nonce + "\x7f,s=QSXCR+Q6sek8bf92,i=4096",
        nonce + std::string(2'000, 'x') + ",s=QSXCR+Q6sek8bf92,i=4096", std::string(20'000, 'r')}) {
    ScramClient each = client();
    ASSERT_TRUE(each.initial_response());
    EXPECT_FALSE(each.step(bad)) << bad;
    EXPECT_FALSE(each.step(kFirst)) << "over is over";
  }
}

TEST(Scram, Extensions_ArePassedOver) {
  ScramClient each = client();
  ASSERT_TRUE(each.initial_response());
  EXPECT_TRUE(each.step(std::string(kFirst) + ",x=y"));
}

TEST(Scram, PasswordThatCannotBePrepared_IsAnError) {
  ScramClient each = client("user", "bell\a");
  EXPECT_FALSE(each.initial_response());
  const auto step = each.step("");
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().cause, Error::Cause::syntax);
}

// RFC 4013 3
TEST(SaslPrep, Examples) {
  EXPECT_EQ(saslprep("I\xc2\xadX").value(), "IX");
  EXPECT_EQ(saslprep("user").value(), "user");
  EXPECT_EQ(saslprep("USER").value(), "USER");
  EXPECT_EQ(saslprep("\xc2\xaa").value(), "a");
  EXPECT_EQ(saslprep("\xe2\x85\xa8").value(), "IX");
  EXPECT_FALSE(saslprep("\a"));
  EXPECT_FALSE(saslprep("\xd8\xa7\x31")) << "RFC 3454 6: bidirectional";
  EXPECT_FALSE(saslprep("\xff"));
  EXPECT_EQ(saslprep("a\xc2\xa0"
                     "b")
                .value(),
            "a b");
  EXPECT_EQ(saslprep("\xef\xb7\xba").value().size(), 33u) << "one character becomes eighteen";
}

TEST(Mechanisms, ByStrength_ThoseThatHideThePasswordFirst) {
  bool open = false;
  for (const std::string_view name : kClientMechanisms) {
    const auto mechanism = make_client_mechanism(name, {"", "a", "b"}, "nonce");
    ASSERT_TRUE(mechanism) << name;
    EXPECT_EQ(mechanism->name(), name);
    EXPECT_TRUE(!open || sends_the_password(name)) << name;
    open = sends_the_password(name);
  }
  EXPECT_EQ(kClientMechanisms[0], "SCRAM-SHA-256");
}

}  // namespace
}  // namespace godwit::sasl
