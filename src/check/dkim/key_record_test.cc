#include "check/dkim/key_record.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "testing/seeded_random.h"

namespace godwit::dkim {
namespace {

const std::string kRsa =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8u"
    "BsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
const std::string kRsaPkcs1 =  // RFC 6376 A, as it is published bare
    "MIGJAoGBALVI635dLK4cJJAH3Lx6upo3X/Lm1tQz3mezcWTA3BUBnyIsdnRf57aD5BtNmhPrYYDlWlzw3UgnKisIxktkk5+iMQMlFtAS10JB8L3YadXNJY+JBcbeSi5TgJe4"
    "WFzNgW95FWDAuSTRXSWZfA/8xjflbTLDx0euFZOM7C4T0GwLAgMBAAE=";
const std::string kEd25519 = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

KeyRecord good(const std::string& text) {
  auto record = parse_key_record(text);
  EXPECT_TRUE(record.has_value()) << text << ": " << (record ? "" : record.error().text);
  return record.value_or(KeyRecord());
}

TEST(KeyRecord, AllShapes) {
  const auto bare = good("p=" + kRsa);
  EXPECT_EQ(bare.key_type, "rsa");
  EXPECT_TRUE(bare.takes_hash("sha256"));
  EXPECT_TRUE(bare.for_email());
  EXPECT_FALSE(bare.testing);
  EXPECT_FALSE(bare.same_domain);
  EXPECT_EQ(bare.public_key()->bits(), 1'024u);

  const auto full = good("v=DKIM1; k=rsa; h=sha1 : sha256; s=email:web; t=y : s; n=hello=20there; p=" + kRsa + " ; ");
  EXPECT_TRUE(full.takes_hash("sha256"));
  EXPECT_FALSE(full.takes_hash("sha512"));
  EXPECT_TRUE(full.for_email());
  EXPECT_TRUE(full.testing);
  EXPECT_TRUE(full.same_domain);
  EXPECT_EQ(full.notes, "hello=20there");

  EXPECT_TRUE(good("v=DKIM1; p=").revoked());
  EXPECT_TRUE(good("k=rsa; t=y; p=").revoked());
  EXPECT_FALSE(good("s=chat; p=" + kRsa).for_email());
  EXPECT_TRUE(good("s=chat:*; p=" + kRsa).for_email());
  EXPECT_FALSE(good("h=sha1; p=" + kRsa).takes_hash("sha256"));
  EXPECT_TRUE(good("t=x:y:extra; p=" + kRsa).testing);
  EXPECT_EQ(good("v=DKIM1; g=jl*g; p=" + kRsa).key_type, "rsa");
  EXPECT_EQ(good("v=DKIM1; n=; p=" + kRsa).notes, "");
  EXPECT_EQ(good("v=DKIM1;p=" + kRsa.substr(0, 50) + " " + kRsa.substr(50) + ";").public_key()->bits(), 1'024u);
  EXPECT_EQ(good("k=rsa; p=" + kRsaPkcs1).public_key()->bits(), 1'024u);
  EXPECT_EQ(good("k=ed25519; p=" + kEd25519).public_key()->type(), crypto::KeyType::ed25519);
  EXPECT_FALSE(good("k=foobar; p=" + kRsa).public_key().has_value());
}

TEST(KeyRecord, Malformed_Refused) {
  for (const std::string& bad : std::vector<std::string>{std::string(),
                                                         std::string("\"\""),
                                                         std::string("v=spf1 -all"),
                                                         std::string("v=DKIM1"),
                                                         std::string("k=rsa"),
                                                         "v=DKIM2; p=" + kRsa,
                                                         "v=DKIM1.0; p=" + kRsa,
                                                         "v=dkim1; p=" + kRsa,
                                                         "k=rsa; v=DKIM1; p=" + kRsa,
                                                         "v=DKIM1\\; p=" + kRsa,
                                                         "k=rsa; t; p=" + kRsa,
                                                         "k=; p=" + kRsa,
                                                         "k=r/sa; p=" + kRsa,
                                                         "h=; p=" + kRsa,
                                                         "h=sha256:; p=" + kRsa,
                                                         "s=; p=" + kRsa,
                                                         "s=e mail; p=" + kRsa,
                                                         "t=; p=" + kRsa,
                                                         "t=y s; p=" + kRsa,
                                                         "p=" + kRsa + "; p=" + kRsa,
                                                         "p=!",
                                                         "p=A",
                                                         "p=" + kRsa + "; garbage"})
    EXPECT_FALSE(parse_key_record(bad).has_value()) << bad;
}

TEST(KeyRecord, KeyDataOfTheWrongShape_NoKey) {
  EXPECT_FALSE(good("k=rsa; p=" + kEd25519).public_key().has_value());
  EXPECT_FALSE(good("k=ed25519; p=" + kRsa).public_key().has_value());
  // an Ed25519 key wrapped as SubjectPublicKeyInfo: RFC 8463 4.2 wants the 32 bytes alone
  EXPECT_FALSE(good("k=ed25519; p=MCowBQYDK2VwAyEA3SUqa9UbfciWkk7tlcJ9P1VD5pXAasg0JUn/OgjVbKE=").public_key().has_value());
}

TEST(KeyRecord, Written_ReadsTheSame) {
  testing::SeededRandom random(1);
  const auto ed25519 = crypto::PrivateKey::generate_ed25519(random).public_key();
  const auto rsa = good("p=" + kRsa).public_key().value();
  EXPECT_EQ(format_key_record(rsa), "v=DKIM1; k=rsa; p=" + kRsa);
  for (const auto& key : {ed25519, rsa}) {
    const auto again = good(format_key_record(key));
    EXPECT_EQ(again.public_key()->to_bytes(), key.to_bytes());
  }
}

}  // namespace
}  // namespace godwit::dkim
