#include "state/directory/local_part.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <algorithm>

#include "base/bytes.h"

namespace godwit::directory {
namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string to_nfc(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status)) return std::string(text);
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  nfc->normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr, status);
  return U_FAILURE(status) ? std::string(text) : out;
}

}  // namespace

std::string normalise_local(std::string_view local) { return ascii_lower(is_ascii(local) ? std::string(local) : to_nfc(local)); }

std::optional<std::string> without_tag(std::string_view normalised) {
  const std::size_t plus = normalised.find('+');
  if (plus == std::string_view::npos || plus == 0) return std::nullopt;
  return std::string(normalised.substr(0, plus));
}

bool is_reserved_role(std::string_view normalised) { return normalised == "postmaster" || normalised == "abuse"; }

}  // namespace godwit::directory
