#include "grammar/message/content_decoder.h"

#include <gtest/gtest.h>

namespace godwit::message {
namespace {

std::string decoded(TransferEncoding encoding, std::string_view text, std::size_t piece = 1000) {
  std::string out;
  ContentDecoder decoder(encoding);
  for (std::size_t i = 0; i < text.size(); i += piece) decoder.feed(text.substr(i, piece), out);
  decoder.finish(out);
  return out;
}

bool damaged(TransferEncoding encoding, std::string_view text) {
  std::string out;
  ContentDecoder decoder(encoding);
  decoder.feed(text, out);
  decoder.finish(out);
  return decoder.damaged();
}

TEST(ParseTransferEncoding, AsWritten) {
  const std::vector<std::pair<const char*, TransferEncoding>> cases{
      {"", TransferEncoding::seven_bit},         {"7bit", TransferEncoding::seven_bit},
      {"7-bit", TransferEncoding::seven_bit},    {" 8BIT ", TransferEncoding::eight_bit},
      {"binary", TransferEncoding::binary},      {"Quoted-Printable", TransferEncoding::quoted_printable},
      {"BASE64", TransferEncoding::base64},      {"base64 (the usual)", TransferEncoding::base64},
      {"\"base64\";", TransferEncoding::base64}, {"x-uuencode", TransferEncoding::unknown},
      {"text/html", TransferEncoding::unknown}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(parse_transfer_encoding(text), expected) << text;
}

TEST(ContentDecoder, Base64) {
  for (const std::size_t piece : {1UL, 3UL, 1000UL}) {
    const auto b64 = [&](std::string_view text) { return decoded(TransferEncoding::base64, text, piece); };
    EXPECT_EQ(b64(""), "");
    EXPECT_EQ(b64("Zm9vYmFy"), "foobar");
    EXPECT_EQ(b64("Zm9v\r\nYmE=\r\n"), "fooba");
    EXPECT_EQ(b64("Zg==Zg=="), "ff");  // two texts, one behind the other
    EXPECT_EQ(b64("Zm9vYg"), "foob");  // padding forgotten
    EXPECT_EQ(b64("Zm9vY"), "foo");
    EXPECT_EQ(b64("Z!m*9-v"), "foo");
    EXPECT_EQ(b64("===="), "");
  }
  EXPECT_FALSE(damaged(TransferEncoding::base64, "Zm9v\r\n YmE="));
  EXPECT_TRUE(damaged(TransferEncoding::base64, "Zm9v."));
  EXPECT_TRUE(damaged(TransferEncoding::base64, "Zm9vY"));
}

TEST(ContentDecoder, QuotedPrintable) {
  for (const std::size_t piece : {1UL, 2UL, 1000UL}) {
    const auto qp = [&](std::string_view text) { return decoded(TransferEncoding::quoted_printable, text, piece); };
    EXPECT_EQ(qp(""), "");
    EXPECT_EQ(qp("a=3Db=e4\r\n"), "a=b\xe4\r\n");
    EXPECT_EQ(qp("a=\r\nb=\nc=  \t\r\nd"), "abcd");
    EXPECT_EQ(qp("a  \r\nb \t\nc  d\r\n"), "a\r\nb\nc  d\r\n");
    EXPECT_EQ(qp("a  "), "a");  // the line end belongs to the boundary
    EXPECT_EQ(qp("a="), "a");
    EXPECT_EQ(qp("a=4"), "a=4");
    EXPECT_EQ(qp("a=zb"), "a=zb");
    EXPECT_EQ(qp("a=4zb"), "a=4zb");
    EXPECT_EQ(qp("a= b"), "a= b");
    EXPECT_EQ(qp("a=\rb"), "a=\rb");
    EXPECT_EQ(qp("a \rb\r\r\n"), "a \rb\r\r\n");
    EXPECT_EQ(qp("==41"), "=A");
    EXPECT_EQ(qp("=20\r\n"), " \r\n");
  }
  EXPECT_FALSE(damaged(TransferEncoding::quoted_printable, "a=\r\n=41"));
  EXPECT_TRUE(damaged(TransferEncoding::quoted_printable, "a=zz"));
}

TEST(ContentDecoder, LongWhiteSpace_Bounded) {
  const std::string spaces(100'000, ' ');
  EXPECT_EQ(decoded(TransferEncoding::quoted_printable, spaces + "x"), spaces + "x");
  EXPECT_GE(decoded(TransferEncoding::quoted_printable, spaces + "\r\n").size(), 98'000U);
  EXPECT_EQ(decoded(TransferEncoding::quoted_printable, "=" + spaces + "x"), "=" + spaces + "x");
}

TEST(ContentDecoder, OthersPassThrough) {
  const std::string bytes("a\0\xff=41\r\n", 8);
  for (const auto encoding :
       {TransferEncoding::seven_bit, TransferEncoding::eight_bit, TransferEncoding::binary, TransferEncoding::unknown})
    EXPECT_EQ(decoded(encoding, bytes, 1), bytes);
}

}  // namespace
}  // namespace godwit::message
