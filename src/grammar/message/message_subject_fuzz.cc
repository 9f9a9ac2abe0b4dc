// The base subject: UTF-8, in normal form, and taking what is left apart once more finds nothing but blobs.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "grammar/message/base_subject.h"
#include "grammar/message/casemap.h"

using namespace godwit;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto base = message::base_subject(input);
  require(is_utf8(base.text) && base.text.find("  ") == std::string::npos && base.text.find('\t') == std::string::npos);
  require(!base.text.starts_with(' ') && !base.text.ends_with(' '));
  if (base.text.find("=?") == std::string::npos) require(message::base_subject(base.text).text == base.text);
  require(is_utf8(message::casemap(base.text)));
  return 0;
}
