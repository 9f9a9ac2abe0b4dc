#include "grammar/message/casemap.h"

#include <gtest/gtest.h>

namespace godwit::message {
namespace {

TEST(Casemap, Ascii_IsUpperCase) {
  std::string all;
  for (int c = 0; c < 128; ++c) all.push_back(static_cast<char>(c));
  std::string expected = all;
  for (auto& c : expected) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  EXPECT_EQ(casemap(all), expected);
  EXPECT_EQ(casemap(all + all + "x" + all), expected + expected + "X" + expected);
  EXPECT_EQ(casemap(""), "");
}

TEST(Casemap, Characters_AsTheRfcSays) {
  EXPECT_EQ(casemap("\u01c4"), "Dz\u030c");  // RFC 5051 2: the example, and its siblings
  EXPECT_EQ(casemap("\u01c6"), "Dz\u030c");
  EXPECT_EQ(casemap("\u00e4"), "A\u0308");
  EXPECT_EQ(casemap("\u00c4"), casemap("A\u0308"));
  EXPECT_EQ(casemap("stra\u00dfe"), "STRA\u00dfE");  // simple mappings alone
  EXPECT_EQ(casemap("\u043f\u0440\u0438\u0432\u0435\u0442"), casemap("\u041f\u0420\u0418\u0412\u0415\u0422"));
  EXPECT_EQ(casemap("\u03c3"), casemap("\u03a3"));
  EXPECT_EQ(casemap("\uff41"), "A");   // full width: titlecase first, then the decomposition
  EXPECT_EQ(casemap("\u212a"), "K");   // Kelvin
  EXPECT_EQ(casemap("\ufb01"), "fi");  // a ligature has no simple titlecase
  EXPECT_EQ(casemap("\u4f60\u597d"), "\u4f60\u597d");
  EXPECT_EQ(casemap("\uac00"), "\u1100\u1161");
  EXPECT_EQ(casemap("\U0001f600"), "\U0001f600");
  EXPECT_EQ(casemap("\U00010428"), "\U00010400");  // Deseret
  EXPECT_EQ(casemap("\u3392"), "MHz");
}

TEST(Casemap, BytesThatAreNoUtf8_Stay) { EXPECT_EQ(casemap("a\xff\xc3(b\xe2\x82"), "A\xff\xc3(B\xe2\x82"); }

}  // namespace
}  // namespace godwit::message
