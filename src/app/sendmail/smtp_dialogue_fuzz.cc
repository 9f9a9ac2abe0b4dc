// sendmail -bs on any input: however the pipe cuts it, the same replies and the same messages come of it; every message is fit to be handed
// over, every reply to be read. The first byte is the size of the pieces in the second run.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "app/sendmail/smtp_dialogue.h"

namespace {

using namespace godwit;

[[noreturn]] void fault(const char* what) {
  std::fprintf(stderr, "fault: %s\n", what);
  std::abort();
}

void check_lines(std::string_view text, std::size_t longest, const char* what) {
  if (!text.empty() && !text.ends_with("\r\n")) fault(what);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find_first_of(std::string_view("\r\n\0", 3), begin);
    if (text.substr(end, 2) != "\r\n" || end - begin > longest) fault(what);
    begin = end + 2;
  }
}

struct Run {
  std::string replies;
  std::string messages;
};

Run run(std::string_view input, std::size_t piece) {
  Run out;
  sendmail::SmtpDialogue::Environment environment;
  environment.hostname = "mx1.example.org";
  environment.max_message_size = 1'000;
  environment.max_recipients = 3;
  environment.missing_head = [](const message::HeaderSummary& header, std::uint64_t) { return header.date == 0 ? "Date: x\r\n" : ""; };
  environment.hand_over = [&out](const sendmail::Submission& submission) {
    const auto envelope = submit::format_envelope(submission.envelope);
    if (!envelope) fault("an envelope that cannot be handed over");
    if (submission.envelope.recipients.empty() || submission.envelope.recipients.size() > 3) fault("recipients");
    std::string text = submission.head;
    const auto read = submission.spool->each(submission.body, [&](std::string_view bytes) -> Result<void> {
      text += bytes;
      return {};
    });
    if (!read || text.size() > 1'010) fault("the size of a message");
    check_lines(text, text.size(), "lines of a message");
    out.messages += *envelope + text;
    return smtp::Reply{250, {2, 0, 0}, "kept"};
  };
  sendmail::SmtpDialogue dialogue(std::move(environment));
  for (std::size_t at = 0; at < input.size(); at += piece) dialogue.feed(input.substr(at, piece), out.replies);
  check_lines(out.replies, 510, "replies");
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Run whole = run(input, input.size() + 1);
  const Run pieces = run(input, data[0] % 64 + 1);
  if (whole.replies != pieces.replies) fault("the pieces change the replies");
  if (whole.messages != pieces.messages) fault("the pieces change the messages");
  return 0;
}
