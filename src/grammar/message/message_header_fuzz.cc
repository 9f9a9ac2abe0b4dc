// The header scanner: the segmentation makes no difference, values keep their bounds.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "grammar/message/header.h"

using namespace godwit;

namespace {

void scan(message::HeaderScanner& scanner, std::string_view input, std::size_t piece) {
  for (std::size_t i = 0; i < input.size(); i += piece) scanner.feed(input.substr(i, piece));
  scanner.finish();
}

bool same(const message::HeaderSummary& a, const message::HeaderSummary& b) {
  return a.fields == b.fields && a.garbage_lines == b.garbage_lines && a.received == b.received && a.delivered_to == b.delivered_to &&
         a.date == b.date && a.from == b.from && a.sender == b.sender && a.message_id == b.message_id && a.resent == b.resent &&
         a.mime_version == b.mime_version && a.eight_bit == b.eight_bit && a.value_cut == b.value_cut && a.from_value == b.from_value &&
         a.sender_value == b.sender_value && a.date_value == b.date_value && a.message_id_value == b.message_id_value &&
         a.resent_from_value == b.resent_from_value && a.subject_value == b.subject_value && a.size == b.size && a.complete == b.complete;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  message::HeaderScanner whole;
  message::HeaderScanner bytes;
  message::HeaderScanner pieces;
  scan(whole, input, input.size() + 1);
  scan(bytes, input, 1);
  scan(pieces, input, 1 + data[0]);
  if (!same(whole.summary(), bytes.summary()) || !same(whole.summary(), pieces.summary())) std::abort();
  const auto& s = whole.summary();
  if (s.size > input.size() || s.from_value.find_first_of("\r\n") != std::string::npos) std::abort();
  return 0;
}
