#include "grammar/message/encoded_word.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "grammar/message/charset.h"
#include "grammar/message/lexer.h"

namespace godwit::message {
namespace {

TEST(DecodeWords, Rfc2047Section8) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"},
      {"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"},
      {"=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"},
      {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n    =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
       "If you can read this you understand the example."},
      {"(=?ISO-8859-1?Q?a?=)", "(a)"},
      {"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
      {"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"},
      {"(=?ISO-8859-1?Q?a?=    \r\n    =?ISO-8859-1?Q?b?=)", "(ab)"},
      {"(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
      {"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"},
      {"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"},  // RFC 2231 5
  };
  for (const auto& [input, expected] : cases) EXPECT_EQ(decode_words(input), expected) << input;
}

TEST(DecodeWords, Adjacent_JoinedBeforeDecoding) {
  EXPECT_EQ(decode_words("=?utf-8?B?w6TD?= =?UTF-8?Q?=B6?="), "äö");  // ö cut in two, and between B and Q
  EXPECT_EQ(decode_words("=?utf-8?Q?=C3?= x =?utf-8?Q?=B6?="), "\xef\xbf\xbd x \xef\xbf\xbd");
  EXPECT_EQ(decode_words("=?iso-8859-1?Q?=E4?= =?utf-8?Q?=C3=B6?="), "äö");
}

TEST(DecodeWords, Broken_StaysAsItIs) {
  for (const char* text : {"=?",
                           "=?"
                           "?=",
                           "=?utf-8?", "=?utf-8?q?", "=?utf-8?q?abc", "=?utf-8?x?abc?=", "=?utf-8?qq?abc?=", "=?utf-8?b?a!b?=",
                           "=?utf-8?q?=4?=", "=?utf-8?q?=zz?=", "=??q?abc?=", "=?a b?q?abc?=", "a =? b ?= c", "?= =?"})
    EXPECT_EQ(decode_words(text), text);
  EXPECT_EQ(decode_words("=?utf-8?q?abc =?utf-8?q?d?="), "=?utf-8?q?abc d");
}

TEST(DecodeWords, AsSendersWriteThem) {
  EXPECT_EQ(decode_words("a=?utf-8?q?b?=c"), "abc");
  EXPECT_EQ(decode_words("=?utf-8?q?a b?c?="), "a b?c");  // spaces and "?" in Q
  EXPECT_EQ(decode_words("=?utf-8?b?w6Q?="), "ä");        // padding forgotten
  EXPECT_EQ(decode_words("=?utf-8?q?"
                         "?="),
            "");
  EXPECT_EQ(decode_words("=?x-none?q?a=FFb?="), "a\xef\xbf\xbd\x62");
  EXPECT_EQ(decode_words("=?utf-8?q?a=0D=0ABcc:_x=00?="), "a  Bcc: x ");  // nobody injects a line
  EXPECT_EQ(decode_words("a\r\n b"), "a b");
  EXPECT_EQ(decode_words("=?utf-8?q?Hello\r\n _there?="), "Hello there");
  EXPECT_EQ(decode_words("caf\xe9 \xc3\xa9"), "caf\xef\xbf\xbd é");
}

TEST(DecodeWords, LinearInTime) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "=?a?q?";
  EXPECT_EQ(decode_words(text), text);
  text += "?=";
  EXPECT_FALSE(decode_words(text).empty());
  std::string words;
  for (int i = 0; i < 20'000; ++i) words += i % 2 == 0 ? "=?utf-8?q?a?= " : "=?iso-8859-1?q?b?= ";
  EXPECT_EQ(decode_words(words).size(), 40'000U / 2 + 1);
}

TEST(CharsetDecoder, NamesAsMailUsesThem) {
  struct Case {
    const char* charset;
    std::string bytes;
    const char* expected;
  };
  const std::vector<Case> cases{
      {"iso-8859-1", "\x80\xe4", "€ä"},
      {"ISO_8859-1", "\x93", "“"},
      {"latin1", "\xe4", "ä"},
      {"windows-1252", "\xe4", "ä"},
      {"iso-8859-15", "\xa4", "€"},
      {"iso-8859-2", "\xb1", "ą"},
      {"windows-1251", "\xcf\xf0\xe8", "При"},
      {"koi8-r", "\xf0\xd2\xc9", "При"},
      {"gb2312", "\xc4\xe3", "你"},
      {"GB2312", "\x81\x40", "丂"},  // GBK alone
      {"gb18030", "\x81\x30\x81\x30", "\xc2\x80"},
      {"gbk", "\xc4\xe3", "你"},
      {"big5", "\xa7\x41", "你"},
      {"shift_jis", "\x93\xfa", "日"},
      {"Shift_JIS", "\x87\x40", "①"},  // of NEC, in cp932 alone
      {"iso-2022-jp", "\x1b$BF|\x1b(B", "日"},
      {"euc-jp", "\xc6\xfc", "日"},
      {"ks_c_5601-1987", "\xc7\xd1", "한"},
      {"euc-kr", "\x8c\x63", "똠"},  // cp949 alone
      {"utf-7", "+AOQ-", "ä"},
      {"unicode-1-1-utf-7", "+AOQ-", "ä"},
      {"utf8", "\xc3\xa4", "ä"},
      {"us-ascii", "a\xc3\xa4", "aä"},
      {"utf-8",
       "\xff"
       "a",
       "\xef\xbf\xbd"
       "a"},
      {"utf-16", std::string("\xfe\xff\x00\xe4", 4), "ä"},
      {"utf-16le", std::string("\xe4\x00", 2), "ä"},
      {"tis-620", "\xa1", "ก"},
      {"iso-8859-8-i", "\xe0", "א"},
      {" utf-8 ", "a", "a"},
      {"nobody", "a\xe4z", "a\xef\xbf\xbdz"},
      {"", "a\xe4", "a\xef\xbf\xbd"},
      {"../../etc", "\xe4", "\xef\xbf\xbd"},
      {"utf-8,version=1", "\xe4", "\xef\xbf\xbd"},
  };
  for (const auto& c : cases) EXPECT_EQ(to_utf8(c.bytes, c.charset), c.expected) << c.charset;
  EXPECT_TRUE(is_known_charset("UTF-8"));
  EXPECT_TRUE(is_known_charset("gb2312"));
  EXPECT_FALSE(is_known_charset("nobody"));
  EXPECT_FALSE(is_known_charset(std::string(100, 'a')));
}

TEST(CharsetDecoder, PiecesMakeNoDifference) {
  for (const char* charset : {"utf-8", "gb18030", "iso-2022-jp", "shift_jis", "utf-7", "utf-16", "windows-1252", "nobody"}) {
    std::string bytes;
    for (int i = 0; i < 6000; ++i) bytes.push_back(static_cast<char>(i * 37 % 256));
    std::string pieces;
    CharsetDecoder decoder(charset);
    for (const char c : bytes) decoder.feed(std::string_view(&c, 1), pieces);
    decoder.finish(pieces);
    EXPECT_EQ(pieces, to_utf8(bytes, charset)) << charset;
    EXPECT_TRUE(is_utf8(pieces)) << charset;
  }
}

}  // namespace
}  // namespace godwit::message
