#include "base/crypto.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "testing/seeded_random.h"

namespace godwit::crypto {
namespace {

TEST(Crypto, Sha256OfAbc_IsFips180Example) {
  EXPECT_EQ(hex_encode(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Crypto, HmacSha256_Rfc4231Case2) {
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Crypto, HashesOfScram) {
  EXPECT_EQ(hex_encode(digest(Hash::sha1, "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digest(Hash::sha256, "abc"), sha256("abc"));
  EXPECT_EQ(hex_encode(hmac(Hash::sha1, "Jefe", "what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");  // RFC 2202 3
  EXPECT_EQ(hmac(Hash::sha256, "key", "text"), hmac_sha256("key", "text"));
}

TEST(Crypto, Pbkdf2_Rfc6070) {
  EXPECT_EQ(hex_encode(pbkdf2(Hash::sha1, "password", "salt", 1)), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  EXPECT_EQ(hex_encode(pbkdf2(Hash::sha1, "password", "salt", 4096)), "4b007901b765489abead49d926f721d065a429c1");
  EXPECT_EQ(hex_encode(pbkdf2(Hash::sha256, "passwd", "salt", 1)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");  // RFC 7914 11
}

TEST(Crypto, Password_VerifiesItsOwnHashAlone) {
  const std::string hash = hash_password("correct horse").value();
  EXPECT_TRUE(hash.starts_with("$argon2id$"));
  EXPECT_TRUE(verify_password("correct horse", hash));
  EXPECT_FALSE(verify_password("correct horsf", hash));
  EXPECT_FALSE(verify_password("", hash));
}

TEST(Crypto, ImportedHashes_Verify) {
  // crypt(3) SHA-512, from the reference of Ulrich Drepper's specification
  const char* const hash = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
  EXPECT_TRUE(verify_password("Hello world!", hash));
  EXPECT_FALSE(verify_password("hello world!", hash));
  for (const char* bad : {"", "plain", "*", "!", "$", "$9$x$y", "x$6$"}) EXPECT_FALSE(verify_password(bad, bad)) << bad;
}

TEST(Random, Text_HasNoLookAlikes) {
  testing::SeededRandom random(1);
  const std::string text = random.text(1'000);
  EXPECT_EQ(text.find_first_not_of("abcdefghijkmnpqrstuvwxyz23456789"), std::string::npos);
  for (int i = 0; i < 1'000; ++i) EXPECT_LT(random.below(7), 7u);
}

}  // namespace
}  // namespace godwit::crypto
