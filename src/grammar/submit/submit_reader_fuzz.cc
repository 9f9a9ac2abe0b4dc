// The reader of submit.sock and the maildrop: the segmentation makes no difference, what comes out is clean, and a good envelope is
// written back as it was read.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "grammar/submit/reader.h"

using namespace godwit;

namespace {

struct Outcome {
  bool failed = false;
  bool finished = false;
  std::string body;
  submit::Envelope envelope;
};

Outcome read(std::string_view input, std::size_t piece) {
  Outcome out;
  submit::Reader reader;
  std::size_t at = 0;
  while (at < input.size() && !reader.finished()) {
    const auto step = reader.next(input.substr(at, piece));
    if (!step) {
      out.failed = true;
      break;
    }
    if (step->consumed == 0) std::abort();
    out.body += step->bytes;
    at += step->consumed;
  }
  out.finished = reader.finished();
  out.envelope = reader.envelope();
  return out;
}

bool clean(std::string_view body) {
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] == '\0') return false;
    if (body[i] == '\n' && (i == 0 || body[i - 1] != '\r')) return false;
    if (body[i] == '\r' && (i + 1 == body.size() || body[i + 1] != '\n')) return false;
  }
  return body.empty() || body.ends_with('\n');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read(input, input.size() + 1);
  const Outcome pieces = read(input, 1 + data[0] % 64);
  if (whole.failed != pieces.failed || whole.finished != pieces.finished) std::abort();
  if (!whole.finished) return 0;
  if (whole.body != pieces.body || !clean(whole.body)) std::abort();
  if (whole.envelope.recipients.empty() || whole.envelope.recipients != pieces.envelope.recipients) std::abort();
  const auto again = submit::format_envelope(whole.envelope);
  if (!again) std::abort();
  const Outcome second = read(*again + "0\n", 1'000'000);
  if (!second.finished || second.envelope.recipients != whole.envelope.recipients || second.envelope.from != whole.envelope.from)
    std::abort();
  return 0;
}
