// The property that a signature stands for: change one byte of what it covers, and it no longer verifies; change what it does not
// cover, and it does. What is covered says plain_fixture.h.

#include <gtest/gtest.h>

#include "check/dkim/dkim_fixture.h"
#include "check/dkim/plain_fixture.h"
#include "check/dkim/signature.h"

namespace godwit::dkim {
namespace {

std::string random_text(Random& random, std::size_t most, bool lines) {
  constexpr std::string_view kAlphabet = "abC.: \t\r\n;=\xc3\xa4";
  std::string out;
  for (std::uint64_t i = random.below(most); i > 0; --i) {
    if (lines && random.below(6) == 0)
      out += "\r\n";
    else if (!lines && random.below(12) == 0)
      out += "\r\n ";
    else
      out += kAlphabet[random.below(kAlphabet.size())];
    if (!lines && out.ends_with("\r\n")) out += ' ';  // ends no field
  }
  return out;
}

std::string random_message(Random& random) {
  constexpr std::string_view kNames[] = {"To", "subject", "Cc ", "X-Other", "Sender", "REFERENCES", "List-Id"};
  std::string out;
  const std::uint64_t fields = random.below(5);
  const std::uint64_t author = random.below(fields + 1);
  for (std::uint64_t i = 0; i <= fields; ++i) {
    if (i == author) out += "From: a@example.org\r\n";
    if (i < fields) out += std::string(kNames[random.below(std::size(kNames))]) + ":" + random_text(random, 12, false) + "\r\n";
  }
  if (random.below(8) == 0) return out;
  return out + "\r\n" + random_text(random, 40, true);
}

struct Property : World {
  SigningKey key = SigningKey::create("example.org", "s", ed25519_key()).value();
  SignOptions how;
  std::vector<std::string> names;  // h=

  std::optional<std::string> covered(std::string_view message) const { return plain::covered(message, names, how.header, how.body); }

  void check_every_byte(const std::string& message, Random& random) {
    const auto original = covered(message);
    const std::size_t own_end = message.find("\r\nFrom:") + 2;
    for (std::size_t i = 0; i < message.size(); ++i) {
      std::string changed = message;
      changed[i] = static_cast<char>(changed[i] ^ (1 << random.below(8)));
      const auto verdicts = verify(changed);
      const bool passes = overall(verdicts) == Result::pass;
      const bool same = covered(changed) == original;
      // in the signature's own field white space may be of a kind that the grammar refuses
      if (passes) ASSERT_TRUE(same) << "byte " << i << " of\n" << message;
      const bool more_authors = !verdicts.empty() && verdicts[0].reason == Reason::from_not_signed;
      if (same && i >= own_end && !more_authors) ASSERT_TRUE(passes) << "byte " << i << " of\n" << message << "\n" << verdicts[0].text;
    }
  }
};

TEST(Mutation, EveryByteThatIsCovered_BreaksTheSignature) {
  Property world;
  world.publish(world.key);
  testing::SeededRandom random(17);
  for (int round = 0; round < 12; ++round) {
    world.how.header = round % 2 == 0 ? Canonicalization::relaxed : Canonicalization::simple;
    world.how.body = round / 2 % 2 == 0 ? Canonicalization::relaxed : Canonicalization::simple;
    world.piece = 1 + random.below(200);
    const std::string message = world.sign(random_message(random), {world.key}, world.how);
    const auto verdicts = world.verify(message);
    ASSERT_EQ(overall(verdicts), Result::pass) << message;
    HeaderFields header;
    header.feed(message);
    header.finish();
    world.names = parse_signature(header.value(0)).signature.fields;
    world.check_every_byte(message, random);
    if (HasFatalFailure()) return;
  }
}

TEST(Mutation, RandomMessages_SignedVerify) {
  World world;
  testing::SeededRandom random(23);
  const auto quick = SigningKey::create("example.org", "q", ed25519_key()).value();
  const auto slow = SigningKey::create("example.org", "r", rsa_key()).value();
  world.publish(quick);
  world.publish(slow);
  for (int round = 0; round < 300; ++round) {
    SignOptions how;
    how.header = random.below(2) == 0 ? Canonicalization::relaxed : Canonicalization::simple;
    how.body = random.below(2) == 0 ? Canonicalization::relaxed : Canonicalization::simple;
    world.piece = 1 + random.below(100);
    const std::string message = world.sign(random_message(random), {quick, slow}, how);
    world.piece = 1 + random.below(100);
    for (const Verdict& verdict : world.verify(message)) ASSERT_EQ(verdict.result, Result::pass) << verdict.text << "\n" << message;
  }
}

}  // namespace
}  // namespace godwit::dkim
