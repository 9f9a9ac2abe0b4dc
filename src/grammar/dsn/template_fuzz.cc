// Any template is refused with its place or makes well-formed reports; any header chooses a language that there is.
// The input is a kind's number, the template, 0x1e, a header.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "grammar/dsn/report.h"
#include "grammar/dsn/report_structure.h"
#include "grammar/dsn/texts.h"

using namespace godwit::dsn;

namespace {

Report make(const Texts& texts, std::string_view headers, bool to_postmaster) {
  Input input;
  input.reporting_mta = "mx1.example.org";
  input.to = "anna@example.org";
  input.message_id = "dsn-1";
  input.boundary = "b";
  input.original = headers;
  input.texts = &texts;
  if (to_postmaster) input.to_postmaster_because = "nobody sent it";
  for (int i = 0; i < 7; ++i) {
    Recipient recipient;
    recipient.address = "bob@example.net";
    recipient.action = static_cast<Action>(i % 5);
    recipient.status = "5.1.1";
    recipient.diagnostic = i == 3 ? "" : "550 5.1.1 " + std::string(700, 'x') + " y";
    input.recipients.push_back(std::move(recipient));
  }
  return build_report(input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view text = all.substr(0, all.find('\x1e'));
  const std::string headers = text.size() < all.size() ? std::string(all.substr(text.size() + 1)) + "\r\n\r\n" : "\r\n";
  static const char* const kFiles[] = {"failed.en.txt",   "delayed.en.txt", "delivered.en.txt", "relayed.en.txt",
                                       "expanded.en.txt", "frame.en.txt",   "status.en.txt"};
  static const Texts shipped;
  Texts texts = shipped;
  if (texts.add(kFiles[data[0] % 7], text)) return 0;
  Structure structure;
  if (!structure_fault(make(texts, headers, (data[0] & 64) != 0).bytes, structure).empty() || structure.parts.size() != 3) std::abort();
  return 0;
}
