#include <gtest/gtest.h>

#include "check/arc/seal.h"
#include "check/arc/validate.h"
#include "check/dkim/dkim_fixture.h"

namespace godwit::arc {
namespace {

constexpr std::string_view kMessage =
    "From: Joe <joe@football.example.com>\r\nTo: suzie@shopping.example.net\r\nSubject: Is  dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@football.example.com>\r\n\r\nHi.\r\n\r\nJoe.\r\n\r\n";

struct ArcTest : ::testing::Test {
  ArcTest() {
    publish(one);
    publish(two);
  }

  void publish(const dkim::SigningKey& key) { dns.add_txt(key.record_name(), key.record()); }

  Verdict validate(std::string_view message, std::size_t piece = 1'000'000) {
    Validator validator(options, loop.clock().now());
    for (std::size_t i = 0; i < message.size(); i += piece) validator.feed(message.substr(i, piece));
    return loop.run(validator.finish(dns));
  }

  // The message with one more set on top.
  std::string sealed(const std::string& message, const dkim::SigningKey& key, std::string_view dmarc = "pass") {
    authres::MethodResult method{"dmarc", "", std::string(dmarc), "", "", {}};
    method.add("header.from", "football.example.com");
    Sealer sealer(key, {key.domain(), "", {method}}, loop.clock().now());
    for (std::size_t i = 0; i < message.size(); i += 100) sealer.feed(std::string_view(message).substr(i, 100));
    return seal(sealer.finish(validate(message)).value()).value() + message;
  }

  std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }

  testing::TestLoop loop;
  testing::FakeResolver dns{loop.clock()};
  ValidateOptions options;
  dkim::SigningKey one = dkim::SigningKey::create("lists.example.net", "r", dkim::rsa_key()).value();
  dkim::SigningKey two = dkim::SigningKey::create("mx.example.org", "e", dkim::ed25519_key()).value();
  std::string plain{kMessage};
};

TEST_F(ArcTest, NoChain_None) {
  EXPECT_EQ(validate(plain).result, ChainState::none);
  EXPECT_EQ(validate("").result, ChainState::none);
  EXPECT_EQ(dns.questions(), 0u);
}

TEST_F(ArcTest, SealedTwice_Passes) {
  const std::string message = sealed(sealed(plain, one), two);
  for (const std::size_t piece : {1'000'000u, 1u, 7u}) {
    const Verdict verdict = validate(message, piece);
    ASSERT_EQ(verdict.result, ChainState::pass) << verdict.text << "\n" << message;
    ASSERT_EQ(verdict.sets.size(), 2u);
    EXPECT_EQ(verdict.oldest_pass, 0u);
    EXPECT_EQ(verdict.sets[0].seal.domain, "lists.example.net");
    EXPECT_EQ(verdict.sets[1].state, ChainState::pass);
    EXPECT_EQ(verdict.sets[1].testimony->authserv_id, "mx.example.org");
    EXPECT_EQ(authres::format({"a", "", {verdict.method_result()}}), "Authentication-Results: a;\r\n\tarc=pass header.oldest-pass=0\r\n");
  }
}

TEST_F(ArcTest, ChangedOnTheWay_OldestPassTells) {
  // RFC 8617 5.2 step 5
  const std::string changed = replaced(sealed(plain, one), "Subject: ", "Subject: [list] ");
  EXPECT_EQ(validate(changed).result, ChainState::fail);
  EXPECT_EQ(validate(changed).broken_at, 1u);
  // A list seals what it has changed itself, with what it said of the message as it came.
  Sealer sealer(two, {"mx.example.org", "", {}}, loop.clock().now());
  sealer.feed(changed);
  const std::string message = seal(sealer.finish(validate(sealed(plain, one))).value()).value() + changed;
  const Verdict verdict = validate(message);
  EXPECT_EQ(verdict.result, ChainState::pass) << verdict.text;
  EXPECT_EQ(verdict.oldest_pass, 2u);
  options.oldest_pass = false;
  EXPECT_EQ(validate(message).oldest_pass, 0u);
}

TEST_F(ArcTest, Broken_Fails) {
  const std::string good = sealed(sealed(plain, one), two);
  struct Case {
    std::string name, from, to;
  };
  const std::vector<Case> cases = {
      {"body", "Hi.\r\n", "Ho.\r\n"},
      {"author", "From: Joe", "From: Jim"},
      {"second author", "From: Joe", "From: evil@evil.test\r\nFrom: Joe"},
      {"testimony", "dmarc=pass", "dmarc=fail"},
      {"state", "cv=pass", "cv=none"},
      {"says fail", "cv=pass", "cv=fail"},
      {"gap", "i=1; lists", "i=3; lists"},
      {"twice", "i=1; lists", "i=2; lists"},
      {"zero", "i=1; lists", "i=0; lists"},
      {"too high", "i=1; lists", "i=51; lists"},
      {"incomplete", "ARC-Message-Signature: a=rsa", "X-Message-Signature: a=rsa"},
      {"no seal", "ARC-Seal: a=rsa", "X-Seal: a=rsa"},
      {"sha1", "a=rsa-sha256", "a=rsa-sha1"},
      {"h in the seal", "cv=pass;", "cv=pass; h=from;"},
      {"key", "s=r;", "s=x;"},
      {"garbage", "ARC-Seal: a=rsa", "ARC-Seal: a rsa"},
      {"one more", "From: Joe", "ARC-Seal: x\r\nFrom: Joe"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    const Verdict verdict = validate(replaced(good, each.from, each.to));
    EXPECT_EQ(verdict.result, ChainState::fail);
    EXPECT_FALSE(verdict.temporary);
    EXPECT_FALSE(verdict.text.empty());
    EXPECT_FALSE(vouched_for(verdict, std::vector<std::string>{"example.net", "example.org"}, "football.example.com"));
  }
}

TEST_F(ArcTest, DeadDns_FailsForNow) {
  const std::string message = sealed(plain, one);
  dns.fail("r._domainkey.lists.example.net");
  const Verdict verdict = validate(message);
  EXPECT_EQ(verdict.result, ChainState::fail);
  EXPECT_TRUE(verdict.temporary);
}

TEST_F(ArcTest, Fifty_IsTheLimit) {
  std::string message = plain;
  for (int i = 0; i < 50; ++i) message = sealed(message, two);
  EXPECT_EQ(validate(message).result, ChainState::pass) << validate(message).text;
  Sealer sealer(two, {"a", "", {}}, loop.clock().now());
  sealer.feed(message);
  EXPECT_EQ(sealer.finish(validate(message)).error().cause, Error::Cause::limit);
  options.max_sets = 49;
  const std::size_t asked = dns.questions();
  EXPECT_EQ(validate(message).result, ChainState::fail);
  EXPECT_EQ(dns.questions(), asked);
}

TEST_F(ArcTest, Sealer_RefusesWhatItCannotSeal) {
  const auto refuse = [&](std::string_view message, const Verdict& chain) {
    Sealer sealer(two, {"a", "", {}}, loop.clock().now());
    sealer.feed(message);
    return !sealer.finish(chain).has_value();
  };
  EXPECT_TRUE(refuse("Subject: x\r\n\r\n", {}));
  EXPECT_TRUE(refuse(" x\r\nFrom: a@b.c\r\n\r\n", {}));
  EXPECT_TRUE(refuse("From: a@b.c\r\nFrom: a@b.c\r\n\r\n", {}));
  Verdict failed;
  failed.result = ChainState::fail;
  EXPECT_TRUE(refuse(kMessage, failed));
  EXPECT_FALSE(refuse(kMessage, {}));
}

TEST_F(ArcTest, VouchedFor_TrustedFromTheTopAlone) {
  const std::string author = "football.example.com";
  const std::vector<std::string> both = {"example.net", "mx.example.org"};
  const std::vector<std::string> last = {"mx.example.org"};
  const std::vector<std::string> first = {"lists.example.net"};
  const Verdict verdict = validate(sealed(sealed(plain, one, "pass"), two, "fail"));
  EXPECT_EQ(vouched_for(verdict, both, author), 1u);
  EXPECT_FALSE(vouched_for(verdict, last, author));   // it says fail
  EXPECT_FALSE(vouched_for(verdict, first, author));  // the last one could have changed anything
  EXPECT_FALSE(vouched_for(verdict, both, "other.example"));
  EXPECT_FALSE(vouched_for(verdict, std::vector<std::string>{}, author));
}

TEST_F(ArcTest, Fields_AreReadToTheLetter) {
  EXPECT_EQ(parse_results(" i = 12 ; x; none").value().instance, 12u);
  for (const std::string_view text : {"", "i=1", "x; i=1;", "i=;", "i=a; x", "j=1; x", "i=100; x"})
    EXPECT_FALSE(parse_results(text)) << text;
  const std::string message = "i=1; a=rsa-sha256; b=AAAA; bh=" + std::string(43, 'A') + "=; d=example.org; s=s; h=from:to";
  EXPECT_TRUE(parse_message_signature(message));
  EXPECT_FALSE(parse_message_signature(message + ":arc-seal"));
  EXPECT_FALSE(parse_message_signature(message + "; c=other"));
  EXPECT_FALSE(parse_message_signature(message + "; l=x"));
  EXPECT_FALSE(parse_message_signature(replaced(message, "from:", "")));
  EXPECT_TRUE(parse_message_signature("v=2; " + message));  // RFC 8617 4.1.2: v= is ignored
  const std::string seal = "i=1; a=ed25519-sha256; b=AAAA; d=example.org; s=s; cv=none";
  EXPECT_TRUE(parse_seal(seal));
  EXPECT_FALSE(parse_seal(seal + "; t="));
  EXPECT_FALSE(parse_seal(replaced(seal, "cv=none", "cv=maybe")));
}

}  // namespace
}  // namespace godwit::arc
