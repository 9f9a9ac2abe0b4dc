#include "grammar/dsn/human_part.h"

#include <algorithm>

#include "base/clock.h"
#include "grammar/dsn/explain.h"
#include "grammar/dsn/original.h"
#include "grammar/dsn/wire_text.h"

namespace godwit::dsn {
namespace {

constexpr std::size_t kLongestQuote = 900;     // of a remote's words
constexpr std::size_t kListedRecipients = 50;  // with explanation; all are in the second part

struct Section {
  Action action;
  std::string_view one;  // headline for one recipient
  std::string_view many;
};

constexpr Section kSections[] = {
    {Action::failed, "could not be delivered to this recipient, and will not be tried again:",
     "could not be delivered to these recipients, and will not be tried again:"},
    {Action::delayed, "could not be delivered to this recipient yet. You need not do anything: it is being tried again.",
     "could not be delivered to these recipients yet. You need not do anything: it is being tried again."},
    {Action::delivered, "was delivered to this recipient:", "was delivered to these recipients:"},
    {Action::relayed, "was handed over to the mail server of this recipient, which sends no confirmations:",
     "was handed over to the mail servers of these recipients, which send no confirmations:"},
    {Action::expanded, "was delivered to this mailing list or group and passed on to its members:",
     "was delivered to these mailing lists or groups and passed on to their members:"},
};

std::size_t count_of(const Input& input, Action action) {
  return static_cast<std::size_t>(std::ranges::count(input.recipients, action, &Recipient::action));
}

std::string address_of(const Recipient& recipient) { return one_line(recipient.address, 300, true); }

// "connection refused" as a sentence of its own.
std::string sentence(std::string text) {
  if (text.empty()) return text;
  if (text.front() >= 'a' && text.front() <= 'z') text.front() = static_cast<char>(text.front() - 'a' + 'A');
  if (std::string_view(".!?").find(text.back()) == std::string_view::npos) text += '.';
  return text;
}

void append_recipient(std::string& out, const Recipient& recipient, bool to_sender) {
  append_wrapped(out, "    ", address_of(recipient));
  const bool trouble = recipient.action == Action::failed || recipient.action == Action::delayed;
  const Explanation explanation = explain(recipient.status, recipient.diagnostic);
  if (trouble) append_wrapped(out, "        ", explanation.what);
  const std::string own = sentence(one_line(recipient.explanation, kLongestQuote, true));
  if (trouble && !own.empty() && own != explanation.what) append_wrapped(out, "        ", own);
  const std::string words = one_line(recipient.diagnostic, kLongestQuote, true);
  if (!words.empty()) {
    const std::string server = one_line(recipient.remote_mta, 300, true);
    append_wrapped(out, "        ", (server.empty() ? "The mail server said: " : "The server " + server + " said: ") + words);
  }
  if (recipient.action == Action::delayed && recipient.will_retry_until)
    append_wrapped(out, "        ", "It will be tried until " + format_rfc5322(*recipient.will_retry_until) + ".");
  if (recipient.action == Action::failed && to_sender)
    append_wrapped(out, "        ", "What you can do: " + std::string(explanation.advice));
  out += "\r\n";
}

bool is_to_sender(const Input& input) { return input.to_postmaster_because.empty(); }

// Your message "Lunch" of Sun, 22 Nov 2026 12:00:00 +0000
std::string naming(const Input& input, std::string_view headers) {
  std::string text = is_to_sender(input) ? "Your message" : "The message";
  const std::string subject = one_line(field_value(headers, "Subject"), 100, true);
  if (!subject.empty() && subject.find("=?") == std::string::npos)
    text += " \"" + subject + "\"";  // encoded words mean nothing to a reader
  if (input.arrival) text += " of " + format_rfc5322(*input.arrival);
  return text;
}

std::string_view subject_verb(Action action) {
  switch (action) {
    case Action::failed: return "Not delivered";
    case Action::delayed: return "Delayed, still being tried";
    case Action::delivered: return "Delivered";
    case Action::relayed: return "Handed on";
    case Action::expanded: return "Delivered to the list";
  }
  return "Not delivered";
}

void append_greeting(std::string& out, const Input& input) {
  const std::string host = one_word(input.reporting_mta, 255, true);
  append_wrapped(out, "", "This is the mail server " + host + ".");
  out += "\r\n";
  if (is_to_sender(input)) return;
  append_wrapped(out, "", "You get this as its postmaster: " + one_line(input.to_postmaster_because, kLongestQuote, true));
  out += "\r\n";
}

}  // namespace

std::string subject_text(const Input& input) {
  const std::string_view whose = is_to_sender(input) ? "" : "For the postmaster: ";
  for (const Section& section : kSections) {
    const std::size_t count = count_of(input, section.action);
    if (count == 0) continue;
    std::string text = std::string(whose) + std::string(subject_verb(section.action));
    const std::size_t all = input.recipients.size();
    if (count > 1) return text + ": " + std::to_string(count) + (count < all ? " of " + std::to_string(all) : "") + " recipients";
    const Recipient& recipient = *std::ranges::find(input.recipients, section.action, &Recipient::action);
    text += ": " + one_line(recipient.address, 120, true);
    if (section.action == Action::failed) text += " (" + std::string(explain(recipient.status, recipient.diagnostic).reason) + ")";
    return text;
  }
  return "Report about your message";
}

std::string human_text(const Input& input, std::string_view headers) {
  std::string out;
  append_greeting(out, input);
  std::size_t listed = 0;
  for (const Section& section : kSections) {
    const std::size_t count = count_of(input, section.action);
    if (count == 0) continue;
    append_wrapped(out, "", naming(input, headers) + " " + std::string(count == 1 ? section.one : section.many));
    out += "\r\n";
    for (const Recipient& recipient : input.recipients) {
      if (recipient.action != section.action || listed == kListedRecipients) continue;
      append_recipient(out, recipient, is_to_sender(input));
      ++listed;
    }
  }
  if (listed < input.recipients.size())
    append_wrapped(out, "",
                   "... and " + std::to_string(input.recipients.size() - listed) + " more: the second part of this report lists all.");
  append_wrapped(out, "",
                 is_to_sender(input) ? "The technical details and the beginning of your message are attached."
                                     : "The technical details and the beginning of the message are attached.");
  return out;
}

}  // namespace godwit::dsn
