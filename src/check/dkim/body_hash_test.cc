#include "check/dkim/body_hash.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "check/dkim/plain_fixture.h"
#include "testing/seeded_random.h"

namespace godwit::dkim {
namespace {

constexpr auto kSimple = Canonicalization::simple;
constexpr auto kRelaxed = Canonicalization::relaxed;

TEST(BodyHashes, Rfc6376Section343And344_EmptyBody) {
  BodyHashes hashes;
  const auto simple = hashes.add({kSimple, std::nullopt});
  const auto relaxed = hashes.add({kRelaxed, std::nullopt});
  hashes.finish();
  EXPECT_EQ(base64_encode(hashes.hash(simple).sha256), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
  EXPECT_EQ(hashes.hash(simple).body_size, 2u);
  EXPECT_EQ(base64_encode(hashes.hash(relaxed).sha256), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  EXPECT_EQ(hashes.hash(relaxed).body_size, 0u);
}

TEST(BodyHashes, EqualRequests_ShareANumber) {
  BodyHashes hashes;
  const auto first = hashes.add({kSimple, 10});
  EXPECT_NE(hashes.add({kRelaxed, 10}), first);
  EXPECT_NE(hashes.add({kSimple, 11}), first);
  EXPECT_NE(hashes.add({kSimple, std::nullopt}), first);
  EXPECT_EQ(hashes.add({kSimple, 10}), first);
}

TEST(BodyHashes, Lengths_HashOfThePrefix) {
  const std::string body = "one  two \r\n\r\nthree\r\n\r\n\r\n";
  testing::SeededRandom random(3);
  for (int round = 0; round < 200; ++round) {
    BodyHashes hashes;
    std::vector<std::pair<std::size_t, BodyHashes::Request>> wanted;
    for (std::uint64_t i = 1 + random.below(5); i > 0; --i) {
      BodyHashes::Request request{random.below(2) == 0 ? kSimple : kRelaxed, random.below(30)};
      if (random.below(4) == 0) request.length.reset();
      wanted.emplace_back(hashes.add(request), request);
    }
    const std::size_t piece = 1 + random.below(9);
    for (std::size_t i = 0; i < body.size(); i += piece) hashes.feed(std::string_view(body).substr(i, piece));
    hashes.finish();
    for (const auto& [number, request] : wanted) {
      const std::string canonical = plain::body(request.canonicalization, body);
      const auto hash = hashes.hash(number);
      ASSERT_EQ(hash.body_size, canonical.size());
      ASSERT_EQ(hex_encode(hash.sha256), hex_encode(crypto::sha256(canonical.substr(0, request.length.value_or(canonical.size())))));
    }
  }
}

}  // namespace
}  // namespace godwit::dkim
