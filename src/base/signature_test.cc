#include "base/signature.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "testing/seeded_random.h"

namespace godwit::crypto {
namespace {

// RFC 8463 A.1
constexpr const char* kRsaPem =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
    "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
    "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
    "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
    "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
    "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
    "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
    "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
    "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
    "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
    "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
    "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
    "-----END RSA PRIVATE KEY-----\n";
constexpr const char* kRsaSpki =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8u"
    "BsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

std::string der_integer(std::string_view value) {
  GODWIT_CHECK(value.size() < 128);
  std::string out = "\x02";
  out.push_back(static_cast<char>(value.size()));
  return out.append(value);
}

// An RSAPublicKey with a modulus of 1,016 bits (so that the lengths need one byte less of thought) and this exponent.
std::string rsa_public_key(std::string_view exponent) {
  const std::string body = der_integer(std::string(1, '\x7f') + std::string(125, '\x55') + '\x01') + der_integer(exponent);
  std::string out = "\x30\x81";
  out.push_back(static_cast<char>(body.size()));
  return out + body;
}

TEST(Sha256, Pieces_SameAsWhole) {
  const std::string text = testing::SeededRandom(1).text(1'000);
  Sha256 hash;
  for (std::size_t i = 0; i < text.size(); i += 7) hash.update(std::string_view(text).substr(i, 7));
  EXPECT_EQ(hash.digest(), sha256(text));
}

TEST(Sha256, Digest_LeavesItGoingOn) {
  Sha256 hash;
  EXPECT_EQ(hash.digest(), sha256(""));
  hash.update("ab");
  EXPECT_EQ(hash.digest(), sha256("ab"));
  Sha256 copy = hash;
  hash.update("c");
  copy.update("x");
  EXPECT_EQ(hash.digest(), sha256("abc"));
  EXPECT_EQ(copy.digest(), sha256("abx"));
  copy = hash;
  EXPECT_EQ(copy.digest(), sha256("abc"));
}

TEST(Ed25519, Rfc8032Test1_KeyOfSeed) {
  const auto key = PrivateKey::ed25519_from_seed(base64_decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").value());
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(base64_encode(key->public_key().to_bytes()), "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  EXPECT_EQ(key->bits(), 256u);
}

TEST(Signatures, VerifyTheirOwnDigestAlone) {
  testing::SeededRandom random(7);
  const std::vector<PrivateKey> keys = {PrivateKey::generate_ed25519(random), PrivateKey::from_pem(kRsaPem).value(),
                                        PrivateKey::generate_rsa(1'024).value()};
  const std::string digest = sha256("what is signed");
  for (const PrivateKey& key : keys) {
    const std::string signature = key.sign(digest).value();
    EXPECT_TRUE(key.public_key().verify(digest, signature));
    EXPECT_FALSE(key.public_key().verify(sha256("something else"), signature));
    EXPECT_FALSE(key.public_key().verify(digest.substr(1), signature));
    EXPECT_FALSE(key.public_key().verify(digest, ""));
    EXPECT_FALSE(key.public_key().verify(digest, signature.substr(1)));
    EXPECT_FALSE(key.public_key().verify(digest, signature + "x"));
    for (std::size_t i = 0; i < signature.size(); i += 9) {
      std::string bad = signature;
      bad[i] ^= 1;
      EXPECT_FALSE(key.public_key().verify(digest, bad));
    }
    for (const PrivateKey& other : keys) EXPECT_EQ(other.public_key().verify(digest, signature), &other == &key);
    EXPECT_FALSE(key.sign("not a digest").has_value());
  }
}

TEST(PrivateKey, PemBothWays) {
  testing::SeededRandom random(7);
  for (const PrivateKey& key : {PrivateKey::generate_ed25519(random), PrivateKey::from_pem(kRsaPem).value()}) {
    const std::string pem = key.to_pem();
    EXPECT_TRUE(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    const auto again = PrivateKey::from_pem(pem);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->public_key().to_bytes(), key.public_key().to_bytes());
  }
}

TEST(PrivateKey, Refused) {
  // openssl genpkey -algorithm ed25519 -aes128 -pass pass:x
  const char* const locked =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiitsJGUQDJFAICCAAw\n"
      "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEDqDEBwNKVeQGYxRpl7ZjwcEQJ2t\n"
      "Gwjjgm38miy/ELXxvDBTc/l2Ym0PyNkTUMjvwCunplLYQgrqAhEm/BXXTS7Y7AMl\n"
      "WvBKpAl+XR8EWBwHYTo=\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  for (const std::string& pem : {std::string(), std::string("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"),
                                 std::string("rubbish"), std::string(locked), std::string(70'000, 'x')})
    EXPECT_FALSE(PrivateKey::from_pem(pem).has_value());
  EXPECT_FALSE(PrivateKey::ed25519_from_seed("short").has_value());
  EXPECT_FALSE(PrivateKey::generate_rsa(512).has_value());
  EXPECT_FALSE(PrivateKey::generate_rsa(100'000).has_value());
}

TEST(PrivateKey, OtherKinds_Unsupported) {
  const char* const p256 =  // openssl ecparam -name prime256v1 -genkey
      "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgrgwCBVA06yuS1+ml\n"
      "9ZvV/j2QHV12PMIbstRfHDlWrG2hRANCAAQHLfBQ3fkCRiFJcABASKkyzqTqzDx8\n"
      "eXvmFXMud4l/ss6npEmyGbxAefnB0IDX+nshRHyNwSBmTb2DiXS6TU4Q\n"
      "-----END PRIVATE KEY-----\n";
  const auto key = PrivateKey::from_pem(p256);
  ASSERT_FALSE(key.has_value());
  EXPECT_EQ(key.error().cause, Error::Cause::unsupported);
}

TEST(PublicKey, RsaInBothForms) {
  const std::string spki = base64_decode(kRsaSpki).value();
  const auto key = PublicKey::rsa_from_der(spki);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->type(), KeyType::rsa);
  EXPECT_EQ(key->bits(), 1'024u);
  EXPECT_EQ(key->to_bytes(), spki);
  const auto bare = PublicKey::rsa_from_der(std::string_view(spki).substr(22));  // behind AlgorithmIdentifier and BIT STRING
  ASSERT_TRUE(bare.has_value());
  EXPECT_EQ(bare->to_bytes(), spki);
}

TEST(PublicKey, Malformed_Refused) {
  const std::string spki = base64_decode(kRsaSpki).value();
  for (std::size_t length = 0; length < spki.size(); ++length)
    EXPECT_FALSE(PublicKey::rsa_from_der(std::string_view(spki).substr(0, length)).has_value()) << length;
  EXPECT_FALSE(PublicKey::rsa_from_der(spki + "x").has_value());
  for (std::size_t i = 0; i < 26; ++i) {  // what stands around the numbers
    std::string bad = spki;
    bad[i] = static_cast<char>(bad[i] ^ 0x15);
    EXPECT_FALSE(PublicKey::rsa_from_der(bad).has_value()) << i;
  }
  EXPECT_FALSE(PublicKey::rsa_from_der(std::string(5'000, '0')).has_value());
  EXPECT_FALSE(PublicKey::ed25519_from_bytes(std::string(31, 'x')).has_value());
  EXPECT_FALSE(PublicKey::ed25519_from_bytes(std::string(44, 'x')).has_value());
  // RFC 8410: an Ed25519 key as SubjectPublicKeyInfo is no RSA key
  EXPECT_FALSE(PublicKey::rsa_from_der(base64_decode("MCowBQYDK2VwAyEA3SUqa9UbfciWkk7tlcJ9P1VD5pXAasg0JUn/OgjVbKE=").value()).has_value());
}

TEST(PublicKey, UnreasonableExponents_Refused) {
  EXPECT_TRUE(PublicKey::rsa_from_der(rsa_public_key("\x03")).has_value());
  EXPECT_TRUE(PublicKey::rsa_from_der(rsa_public_key(std::string("\x01\x00\x01", 3))).has_value());
  EXPECT_FALSE(PublicKey::rsa_from_der(rsa_public_key("\x01")).has_value());
  EXPECT_FALSE(PublicKey::rsa_from_der(rsa_public_key("\x04")).has_value());
  EXPECT_FALSE(PublicKey::rsa_from_der(rsa_public_key(std::string("\x01\x00\x00\x00\x01", 5))).has_value());
}

TEST(PublicKey, Small_ReadWithItsSize) {
  const std::string body = der_integer(std::string(16, '\x55')) + der_integer("\x03");
  std::string der = "\x30";
  der.push_back(static_cast<char>(body.size()));
  const auto key = PublicKey::rsa_from_der(der + body);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->bits(), 127u);
  EXPECT_FALSE(key->verify(sha256("x"), std::string(16, 'x')));
}

TEST(PublicKey, TooLarge_Refused) {
  const std::string modulus = "\x02\x82\x04\x01" + std::string(1'025, '\x55');
  const std::string body = modulus + der_integer("\x03");
  std::string der = "\x30\x82";
  der.push_back(static_cast<char>(body.size() >> 8));
  der.push_back(static_cast<char>(body.size() & 0xff));
  const auto key = PublicKey::rsa_from_der(der + body);
  ASSERT_FALSE(key.has_value());
  EXPECT_EQ(key.error().cause, Error::Cause::limit);
}

}  // namespace
}  // namespace godwit::crypto
