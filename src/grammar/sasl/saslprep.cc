#include "grammar/sasl/saslprep.h"

#include <unicode/unistr.h>
#include <unicode/usprep.h>

#include <algorithm>
#include <memory>

#include "base/utf8.h"

namespace godwit::sasl {
namespace {

using Profile = std::unique_ptr<UStringPrepProfile, decltype(&usprep_close)>;

Error bad(const char* why) { return Error::syntax(std::string("SASLprep: ") + why, 0); }

}  // namespace

Result<std::string> saslprep(std::string_view text) {
  if (std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; })) return std::string(text);
  if (!is_utf8(text)) return fail(bad("this is not UTF-8"));
  UErrorCode status = U_ZERO_ERROR;
  const Profile profile(usprep_openByType(USPREP_RFC4013_SASLPREP, &status), usprep_close);
  if (U_FAILURE(status)) return fail(bad("the profile is not there"));
  const auto source = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  icu::UnicodeString prepared;
  const int32_t room = source.length() * 18 + 16;  // NFKC makes of one character at most 18
  UChar* const into = prepared.getBuffer(room);
  if (into == nullptr) return fail(bad("there is not enough memory"));
  const int32_t length = usprep_prepare(profile.get(), source.getBuffer(), source.length(), into, room, USPREP_DEFAULT, nullptr, &status);
  prepared.releaseBuffer(U_SUCCESS(status) ? length : 0);
  if (U_FAILURE(status)) return fail(bad("there is a character in it that names and passwords must not have"));
  std::string out;
  prepared.toUTF8String(out);
  return out;
}

}  // namespace godwit::sasl
