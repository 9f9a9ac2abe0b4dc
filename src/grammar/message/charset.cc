#include "grammar/message/charset.h"

#include <array>

#include <unicode/ucnv.h>

#include "base/bytes.h"

namespace godwit::message {
namespace {

struct Alias {
  std::string_view name;  // letters and digits alone, lower case
  const char* converter;
};

// Names that ICU does not know, or knows as less than what the senders write.
constexpr auto kAliases = std::to_array<Alias>({
    {"usascii", "UTF-8"},
    {"ascii", "UTF-8"},
    {"ansix341968", "UTF-8"},
    {"iso646us", "UTF-8"},
    {"utf8", "UTF-8"},
    {"unicode11utf8", "UTF-8"},
    {"cp65001", "UTF-8"},
    {"utf8mb4", "UTF-8"},
    {"utf7", "UTF-7"},
    {"unicode11utf7", "UTF-7"},
    {"gb2312", "gb18030"},
    {"gb231280", "gb18030"},
    {"csgb2312", "gb18030"},
    {"gbk", "gb18030"},
    {"xgbk", "gb18030"},
    {"euccn", "gb18030"},
    {"xeuccn", "gb18030"},
    {"cp936", "gb18030"},
    {"ms936", "gb18030"},
    {"windows936", "gb18030"},
    {"ksc56011987", "windows-949"},
    {"ksc56011989", "windows-949"},
    {"ksc5601", "windows-949"},
    {"csksc56011987", "windows-949"},
    {"euckr", "windows-949"},
    {"cseuckr", "windows-949"},
    {"korean", "windows-949"},
    {"cp949", "windows-949"},
    {"ms949", "windows-949"},
    {"windows949", "windows-949"},
    {"shiftjis", "windows-31j"},
    {"sjis", "windows-31j"},
    {"xsjis", "windows-31j"},
    {"mskanji", "windows-31j"},
    {"csshiftjis", "windows-31j"},
    {"cp932", "windows-31j"},
    {"ms932", "windows-31j"},
    {"windows932", "windows-31j"},
    {"windows31j", "windows-31j"},
    {"iso88591", "windows-1252"},
    {"latin1", "windows-1252"},
    {"l1", "windows-1252"},
    {"cp819", "windows-1252"},
    {"ibm819", "windows-1252"},
    {"isolatin1", "windows-1252"},
    {"ansi", "windows-1252"},
    {"win1252", "windows-1252"},
    {"cp1252", "windows-1252"},
    {"iso88599", "windows-1254"},
    {"latin5", "windows-1254"},
    {"iso885911", "windows-874"},
    {"tis620", "windows-874"},
    {"iso88598i", "iso-8859-8"},
    {"iso88598e", "iso-8859-8"},
    {"iso88596i", "iso-8859-6"},
    {"iso88596e", "iso-8859-6"},
    {"big5", "windows-950"},
    {"cnbig5", "windows-950"},
    {"xbig5", "windows-950"},
    {"win1250", "windows-1250"},
    {"win1251", "windows-1251"},
    {"xeucjp", "euc-jp"},
    {"iso10646ucs2", "UTF-16BE"},
    {"koi8ru", "koi8-u"},
});

std::string squeezed(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const char lower = ascii_lower(c);
    if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9')) out.push_back(lower);
  }
  return out;
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > CharsetDecoder::kMaxName) return false;
  // a comma would begin an option of ICU's, a slash a path
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+()") == std::string_view::npos;
}

// The converter's name; empty if there is none.
std::string converter_name(std::string_view charset) {
  if (!is_name(charset)) return {};
  const std::string key = squeezed(charset);
  for (const auto& alias : kAliases) {
    if (alias.name == key) return alias.converter;
  }
  // ICU would look for a file of an unknown name: only what its own table lists is opened.
  std::string name(charset);
  UErrorCode status = U_ZERO_ERROR;
  if (ucnv_countAliases(name.c_str(), &status) == 0 || U_FAILURE(status)) return {};
  return name;
}

struct Close {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, Close>;

Converter open(const std::string& name) {
  UErrorCode status = U_ZERO_ERROR;
  Converter out(ucnv_open(name.c_str(), &status));
  if (U_FAILURE(status)) out.reset();
  return out;
}

}  // namespace

struct CharsetDecoder::Converters {
  Converter from;
  Converter to;
  std::array<char16_t, 1024> pivot;
  char16_t* pivot_source = pivot.data();
  char16_t* pivot_target = pivot.data();
  bool first = true;

  void run(std::string_view bytes, bool flush, std::string& out) {
    const char* source = bytes.data();
    const char* const end = source + bytes.size();
    std::array<char, 2048> buffer;
    UErrorCode status = U_BUFFER_OVERFLOW_ERROR;
    while (status == U_BUFFER_OVERFLOW_ERROR) {
      status = U_ZERO_ERROR;
      char* target = buffer.data();
      ucnv_convertEx(to.get(), from.get(), &target, target + buffer.size(), &source, end, pivot.data(), &pivot_source, &pivot_target,
                     pivot.data() + pivot.size(), first, flush, &status);
      first = false;
      out.append(buffer.data(), static_cast<std::size_t>(target - buffer.data()));
    }
  }
};

CharsetDecoder::CharsetDecoder(std::string_view charset) {
  const std::string name = converter_name(trim(charset));
  if (name.empty()) return;
  auto converters = std::make_unique<Converters>();
  converters->from = open(name);
  converters->to = open("UTF-8");
  if (converters->from && converters->to) converters_ = std::move(converters);
}

CharsetDecoder::~CharsetDecoder() = default;
CharsetDecoder::CharsetDecoder(CharsetDecoder&&) noexcept = default;
CharsetDecoder& CharsetDecoder::operator=(CharsetDecoder&&) noexcept = default;

bool CharsetDecoder::known() const { return converters_ != nullptr; }

void CharsetDecoder::feed(std::string_view bytes, std::string& out) {
  if (bytes.empty()) return;
  if (converters_) return converters_->run(bytes, false, out);
  for (const char c : bytes) {
    if (static_cast<unsigned char>(c) < 128)
      out.push_back(c);
    else
      out += "\xef\xbf\xbd";
  }
}

void CharsetDecoder::finish(std::string& out) {
  if (converters_) converters_->run("", true, out);  // no null pointer: ICU refuses it
}

bool is_known_charset(std::string_view charset) { return !converter_name(trim(charset)).empty(); }

std::string to_utf8(std::string_view bytes, std::string_view charset) {
  std::string out;
  CharsetDecoder decoder(charset);
  decoder.feed(bytes, out);
  decoder.finish(out);
  return out;
}

}  // namespace godwit::message
