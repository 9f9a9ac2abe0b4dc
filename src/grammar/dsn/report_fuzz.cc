// Any input yields a report whose structure parses: three parts, no bare CR or LF, no long line, the boundary in no part.
// The input is cut at 0x1e into texts: the fields of dsn::Input in order.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "grammar/dsn/report.h"
#include "grammar/dsn/report_structure.h"
#include "grammar/dsn/wire_text.h"

namespace {

class Pieces {
 public:
  explicit Pieces(std::string_view bytes) : rest_(bytes) {}
  std::string_view next() {
    const std::size_t end = std::min(rest_.find('\x1e'), rest_.size());
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(std::min(rest_.size(), end + 1));
    return text;
  }
  bool more() const { return !rest_.empty(); }

 private:
  std::string_view rest_;
};

[[noreturn]] void fault(const char* what) {
  std::fprintf(stderr, "fault: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace godwit::dsn;
  if (size == 0) return 0;
  const unsigned flags = data[0];
  Pieces texts({reinterpret_cast<const char*>(data) + 1, size - 1});
  Input input;
  if (flags & 1) input.to_postmaster_because = "because \xc3\xa9\r\nBcc: x";
  input.original_is_full = flags & 2;
  if (flags & 4) input.arrival = Time(std::chrono::milliseconds(flags * 1'000'000'000ULL));
  input.reporting_mta = texts.next();
  input.to = texts.next();
  input.message_id = texts.next();
  input.boundary = texts.next();
  input.envid = texts.next();
  input.original = texts.next();
  input.received_from = {input.message_id, input.boundary};
  do {
    Recipient recipient;
    recipient.action = static_cast<Action>((flags >> 3 & 7) % 5);
    recipient.address = texts.next();
    recipient.orcpt = texts.next();
    recipient.status = texts.next();
    recipient.remote_mta = texts.next();
    recipient.diagnostic = texts.next();
    recipient.explanation = texts.next();
    recipient.log_id = recipient.status;
    input.recipients.push_back(std::move(recipient));
  } while (texts.more() && input.recipients.size() < 60);

  const Report report = build_report(input);
  Structure structure;
  const std::string reason = structure_fault(report.bytes, structure);
  if (!reason.empty()) fault(reason.c_str());
  if (structure.parts.size() != 3) fault("not three parts");
  if (!report.eight_bit && !is_ascii(report.bytes)) fault("8-bit bytes in a 7-bit report");
  if (!report.smtputf8 && !is_ascii(structure.header)) fault("8-bit header without SMTPUTF8");
  return 0;
}
