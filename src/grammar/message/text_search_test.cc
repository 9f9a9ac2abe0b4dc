#include "grammar/message/text_search.h"

#include <gtest/gtest.h>

#include "grammar/message/casemap.h"
#include "testing/seeded_random.h"

namespace godwit::message {
namespace {

std::vector<Needle> needles(std::initializer_list<std::string_view> keys) {
  std::vector<Needle> out;
  for (const auto key : keys) out.emplace_back(key);
  return out;
}

bool finds(std::string_view key, std::string_view text, std::size_t piece) {
  TextSearcher searcher(needles({key}));
  for (std::size_t at = 0; at < text.size(); at += piece) searcher.feed(text.substr(at, piece));
  return searcher.found(0);
}

TEST(TextSearch, Substrings_WhateverTheCaseAndThePieces) {
  struct Case {
    std::string_view key;
    std::string_view text;
    bool expected;
  };
  const Case cases[] = {
      {"", "", true},
      {"", "anything", true},
      {"x", "", false},
      {"hello", "say HELLO there", true},
      {"HELLO", "hello", true},
      {"hello", "hell o", false},
      {"aab", "aaab", true},
      {"ababac", "abababac", true},
      {"gr\u00fc\u00dfe", "Viele GR\u00dc\u00dfE", true},
      {"gru", "gr\u00fcn", true},  // RFC 5051: decomposed, the letter stands before its mark
      {"A\u0308", "\u00e4", true},
      {"\u043f\u0440\u0438", "\u041f\u0420\u0418\u0412\u0415\u0422", true},
      {"\u597d", "\u4f60\u597d", true},
      {"\U0001f600", "x\U0001f600y", true},
      {"\U0001f601", "x\U0001f600y", false},
      {"\uff21", "a", true},
  };
  for (const auto& each : cases) {
    for (const std::size_t piece : {1u, 2u, 3u, 5u, 100u}) {
      SCOPED_TRACE(std::string(each.key) + " in " + std::string(each.text) + " by " + std::to_string(piece));
      EXPECT_EQ(finds(each.key, each.text, piece), each.expected);
    }
  }
}

TEST(TextSearch, SeveralKeys_EachIsRemembered) {
  TextSearcher searcher(needles({"one", "two", "", "three"}));
  EXPECT_TRUE(searcher.found(2));
  searcher.feed("zero TWO");
  EXPECT_FALSE(searcher.found(0));
  EXPECT_TRUE(searcher.found(1));
  searcher.feed(" thr");
  searcher.end_text();
  searcher.feed("ee one");
  EXPECT_TRUE(searcher.found(0));
  EXPECT_FALSE(searcher.found(3));
  EXPECT_FALSE(searcher.all_found());
  searcher.feed(" three");
  EXPECT_TRUE(searcher.all_found());
  searcher.reset();
  EXPECT_FALSE(searcher.found(1));
  EXPECT_TRUE(searcher.found(2));
  EXPECT_TRUE(TextSearcher({}).all_found());
}

TEST(TextSearch, ALongText_IsSearchedAcrossItsPieces) {
  const std::string gap(100'000, 'x');
  for (const std::size_t at : {32'760u, 32'766u, 65'530u, 99'000u}) {
    std::string text = gap;
    text.replace(at, 9, "n\u00e9\u00e9dle!");
    EXPECT_TRUE(finds("N\u00c9\u00c9DLE!", text, text.size()));
    EXPECT_TRUE(finds("N\u00c9\u00c9DLE!", text, 1'000));
    EXPECT_FALSE(finds("N\u00c9\u00c9DLE?", text, text.size()));
  }
}

TEST(TextSearch, AKeyLongerThanThePieces) {
  const std::string key(5'000, 'k');
  EXPECT_TRUE(finds(key, std::string(5'000, 'K'), 7));
  EXPECT_FALSE(finds(key, std::string(4'999, 'K'), 7));
}

TEST(TextSearch, Random_DoesAsAPlainSearchDoes) {
  const std::string_view letters[] = {"a", "A", "b", "\u00e4", "\u00c4", "\u0308", "\u4f60", "\U0001f600"};
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    testing::SeededRandom random(seed);
    const auto make = [&](std::uint64_t most) {
      std::string out;
      for (auto n = random.below(most); n > 0; --n) out += letters[random.below(std::size(letters))];
      return out;
    };
    const std::string text = make(30);
    const std::string key = make(5);
    ASSERT_EQ(finds(key, text, 1 + random.below(9)), casemap(text).find(casemap(key)) != std::string::npos) << text << " " << key;
  }
}

TEST(PartText, EncodingAndCharset_AreUndone) {
  const auto decode = [](TransferEncoding encoding, std::string_view charset, std::string_view bytes, std::size_t piece) {
    PartText text(encoding, charset);
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += piece) text.feed(bytes.substr(at, piece), out);
    text.finish(out);
    return out;
  };
  for (const std::size_t piece : {1u, 3u, 100u}) {
    EXPECT_EQ(decode(TransferEncoding::quoted_printable, "iso-8859-1", "gr=FC=\r\n=DFe", piece), "gr\u00fc\u00dfe");
    EXPECT_EQ(decode(TransferEncoding::base64, "utf-8", "Z3LDvMOf\r\nZQ==", piece), "gr\u00fc\u00dfe");
    EXPECT_EQ(decode(TransferEncoding::seven_bit, "iso-2022-jp", "\x1b$B4A\x1b(B", piece), "\u6f22");
  }
}

TEST(HeaderText, Fields_AreUnfoldedAndDecoded) {
  EXPECT_EQ(header_text("Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n and\r\n\tmore\r\nX: y\n\nbody"),
            "Subject: gr\u00fc\u00dfe and\tmore\nX: y\n");
  EXPECT_EQ(header_text(""), "");
  EXPECT_EQ(header_text("no field"), "no field\n");
}

}  // namespace
}  // namespace godwit::message
