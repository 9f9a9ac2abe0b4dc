// Encoded words, charsets and transfer encodings: well-formed UTF-8 comes out, sizes are bounded, pieces make no difference.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "grammar/message/charset.h"
#include "grammar/message/content_decoder.h"
#include "grammar/message/encoded_word.h"
#include "grammar/message/lexer.h"

using namespace godwit;

namespace {

constexpr std::string_view kCharsets[] = {"utf-8",  "us-ascii", "gb2312", "ks_c_5601-1987", "iso-2022-jp", "shift_jis",
                                          "utf-7",  "big5",     "utf-16", "windows-1252",   "hz-gb-2312",  "iso-2022-kr",
                                          "euc-jp", "nobody",   "scsu",   "iso-2022-cn"};

void require(bool holds) {
  if (!holds) std::abort();
}

template <class Decoder>
std::string run(Decoder decoder, std::string_view input, std::size_t piece) {
  std::string out;
  for (std::size_t i = 0; i < input.size(); i += piece) decoder.feed(input.substr(i, piece), out);
  decoder.finish(out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string words = message::decode_words(input);
  require(is_utf8(words) && words.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  require(words.size() <= 4 * input.size());
  for (const auto encoding : {message::TransferEncoding::base64, message::TransferEncoding::quoted_printable}) {
    const auto whole = run(message::ContentDecoder(encoding), input, size);
    require(whole.size() <= input.size() && whole == run(message::ContentDecoder(encoding), input, 1));
  }
  const auto charset = kCharsets[data[0] % std::size(kCharsets)];
  const auto text = run(message::CharsetDecoder(charset), input, size);
  require(is_utf8(text) && text.size() <= 4 * input.size() + 4);
  require(text == run(message::CharsetDecoder(charset), input, 1));
  return 0;
}
