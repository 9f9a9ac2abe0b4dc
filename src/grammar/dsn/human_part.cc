#include "grammar/dsn/human_part.h"

#include <algorithm>

#include "base/clock.h"
#include "grammar/dsn/original.h"
#include "grammar/dsn/texts.h"
#include "grammar/dsn/wire_text.h"

namespace godwit::dsn {
namespace {

constexpr std::size_t kLongestQuote = 900;     // of a remote's words
constexpr std::size_t kListedRecipients = 50;  // with explanation; all are in the second part

constexpr Action kInOrder[] = {Action::failed, Action::delayed, Action::delivered, Action::relayed, Action::expanded};

std::size_t count_of(const Input& input, Action action) {
  return static_cast<std::size_t>(std::ranges::count(input.recipients, action, &Recipient::action));
}

// "connection refused" as a sentence of its own.
std::string sentence(std::string text) {
  if (text.empty()) return text;
  if (text.front() >= 'a' && text.front() <= 'z') text.front() = static_cast<char>(text.front() - 'a' + 'A');
  if (std::string_view(".!?").find(text.back()) == std::string_view::npos) text += '.';
  return text;
}

class Writer {
 public:
  Writer(const Input& input, std::string_view headers)
      : input_(input), texts_(input.texts ? *input.texts : Texts::shipped()), language_(texts_.choose(headers, input.tenant)) {
    common_["host"] = one_word(input.reporting_mta, 255, true);
    common_["because"] = one_line(input.to_postmaster_because, kLongestQuote, true);
    std::string subject = one_line(field_value(headers, "Subject"), 100, true);
    if (subject.find("=?") == std::string::npos) common_["subject"] = std::move(subject);  // encoded words mean nothing to a reader
    if (input.arrival) common_["date"] = format_rfc5322(*input.arrival);
    const bool to_sender = input.to_postmaster_because.empty();
    common_["message"] = frame().header(to_sender ? "Message" : "Message for the postmaster", common_);
  }

  HumanPart write() {
    std::string reports;
    std::string subject;
    for (const Action action : kInOrder) {
      if (count_of(input_, action) == 0) continue;
      const Values values = section_values(action);
      if (subject.empty()) subject = section_subject(action, values);
      reports += texts_.section(language_, action).body(values, list(action));
    }
    if (listed_ < input_.recipients.size()) common_["more"] = std::to_string(input_.recipients.size() - listed_);
    HumanPart part{language_, std::move(subject), frame().body(common_, {}, "reports", reports)};
    if (!input_.to_postmaster_because.empty() && frame().has_header("Subject for the postmaster")) {
      Values values = common_;
      values["subject"] = part.subject;
      part.subject = frame().header("Subject for the postmaster", values);
    }
    return part;
  }

 private:
  const Template& frame() const { return texts_.frame(language_); }
  const Explanation& explain_one(const Recipient& recipient) const {
    return texts_.explanations(language_).find(recipient.status, recipient.diagnostic);
  }

  Values section_values(Action action) const {
    const std::size_t count = count_of(input_, action);
    const Recipient& first = *std::ranges::find(input_.recipients, action, &Recipient::action);
    Values values = common_;
    values["count"] = std::to_string(count);
    if (count < input_.recipients.size()) values["all"] = std::to_string(input_.recipients.size());
    values[count == 1 ? "one" : "several"] = "1";
    if (count == 1) values["address"] = one_line(first.address, 120, true);
    if (count == 1 && (action == Action::failed || action == Action::delayed)) values["reason"] = explain_one(first).reason;
    return values;
  }

  std::string section_subject(Action action, const Values& values) const {
    const Template& section = texts_.section(language_, action);
    const bool several = count_of(input_, action) > 1 && section.has_header("Subject of several");
    return section.header(several ? "Subject of several" : "Subject", values);
  }

  std::vector<Values> list(Action action) {
    std::vector<Values> each;
    for (const Recipient& recipient : input_.recipients) {
      if (recipient.action != action || listed_ == kListedRecipients) continue;
      each.push_back(values_of(recipient));
      ++listed_;
    }
    return each;
  }

  Values values_of(const Recipient& recipient) const {
    Values values;
    values["address"] = one_line(recipient.address, 300, true);
    values["status"] = one_word(recipient.status, 20, true);
    values["said"] = one_line(recipient.diagnostic, kLongestQuote, true);
    values["server"] = one_line(recipient.remote_mta, 300, true);
    const bool trouble = recipient.action == Action::failed || recipient.action == Action::delayed;
    if (!trouble) return values;
    const Explanation& explanation = explain_one(recipient);
    values["reason"] = explanation.reason;
    values["what"] = explanation.what;
    std::string own = sentence(one_line(recipient.explanation, kLongestQuote, true));
    if (own != explanation.what) values["own"] = std::move(own);
    if (recipient.action == Action::delayed && recipient.will_retry_until) values["until"] = format_rfc5322(*recipient.will_retry_until);
    // advice is for whoever wrote the message
    if (recipient.action == Action::failed && input_.to_postmaster_because.empty()) values["advice"] = explanation.advice;
    return values;
  }

  const Input& input_;
  const Texts& texts_;
  const std::string language_;
  Values common_;
  std::size_t listed_ = 0;
};

}  // namespace

HumanPart human_part(const Input& input, std::string_view headers) { return Writer(input, headers).write(); }

}  // namespace godwit::dsn
