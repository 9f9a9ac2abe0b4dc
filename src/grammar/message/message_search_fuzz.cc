// Search in pieces finds what a plain search in the casemapped whole finds. The first byte: pieces; up to the first NUL: keys by line.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "grammar/message/casemap.h"
#include "grammar/message/charset.h"
#include "grammar/message/text_search.h"

using namespace godwit;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto nul = input.find('\0');
  if (nul == std::string_view::npos) return 0;
  std::vector<std::string> keys;
  std::vector<message::Needle> needles;
  for (std::string_view rest = input.substr(0, nul); keys.size() < 8;) {
    const auto end = rest.find('\n');
    keys.push_back(message::to_utf8(rest.substr(0, end), "utf-8"));
    needles.emplace_back(keys.back());
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  const std::string text = message::to_utf8(input.substr(nul + 1), "utf-8");
  const std::string whole = message::casemap(text);
  require(is_utf8(whole));
  message::TextSearcher searcher(needles);
  for (std::size_t at = 0; at < text.size(); at += piece) searcher.feed(std::string_view(text).substr(at, piece));
  bool all = true;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const bool expected = whole.find(message::casemap(keys[i])) != std::string::npos;
    require(searcher.found(i) == expected);
    all = all && expected;
  }
  require(searcher.all_found() == all);
  return 0;
}
