#include "check/spf/received_spf.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "check/spf/sender.h"
#include "grammar/smtp/path.h"

namespace godwit::spf {
namespace {

constexpr std::size_t kMaxColumn = 78;  // RFC 5322 2.1.1
constexpr std::size_t kMaxValue = 255;

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }
bool is_high(char c) { return static_cast<unsigned char>(c) > 127; }

// At most kMaxValue bytes of clean UTF-8 on one line.
std::string harmless(std::string_view text) {
  std::size_t end = std::min(text.size(), kMaxValue);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  std::string out(text.substr(0, end));
  std::ranges::replace_if(out, is_control, '?');
  if (!smtp::is_clean_utf8(out)) std::ranges::replace_if(out, is_high, '?');
  return out;
}

// RFC 5322 3.2.3
bool is_dot_atom(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos &&
         std::ranges::all_of(text, fits);
}

std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || special.find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", escaped(harmless(text), "\"")); }
std::string value(std::string_view text) { return is_dot_atom(text) && text.size() <= kMaxValue ? std::string(text) : quoted(text); }

// RFC 7208 2.4: the identity as a mailbox.
std::string mailbox(const Question& question) {
  const Sender sender = sender_of(question);
  return sender.local + "@" + sender.domain;
}

std::string comment(const Question& question, const Verdict& verdict) {
  const std::string client = question.client.text();
  std::string who = "domain of " + harmless(mailbox(question));
  switch (verdict.result) {
    case Result::pass: return fmt::format("{} designates {} as permitted sender", who, client);
    case Result::fail: return fmt::format("{} does not designate {} as permitted sender", who, client);
    case Result::softfail: return fmt::format("{} probably does not designate {} as permitted sender", who, client);
    case Result::neutral: return fmt::format("{} says neither yes nor no to {}", who, client);
    case Result::none: return fmt::format("{} designates no senders", who);
    case Result::temperror: return fmt::format("{} could not be asked now", who);
    case Result::permerror: return fmt::format("{} has a record that cannot be used", who);
  }
  return who;
}

class Folder {
 public:
  explicit Folder(std::string start) : out_(std::move(start)), column_(out_.size()) {}

  void word(std::string_view word) {
    if (column_ + 1 + word.size() > kMaxColumn) {
      out_ += "\r\n\t";
      column_ = 1;
    } else {
      out_.push_back(' ');
      ++column_;
    }
    out_ += word;
    column_ += word.size();
  }
  std::string take() { return std::move(out_) + "\r\n"; }

 private:
  std::string out_;
  std::size_t column_;
};

std::vector<std::string> pairs(const Question& question, const Verdict& verdict) {
  const bool mail_from = verdict.identity == Identity::mail_from;
  std::vector<std::string> out;
  out.push_back(fmt::format("identity={}", to_string(verdict.identity)));
  out.push_back("client-ip=" + value(question.client.text()));
  out.push_back("helo=" + value(question.helo));
  if (mail_from) out.push_back("envelope-from=" + quoted(question.mail_from.empty() ? "<>" : std::string_view(question.mail_from)));
  out.push_back("receiver=" + value(question.receiver));
  if (verdict.result == Result::temperror || verdict.result == Result::permerror)
    out.push_back("problem=" + quoted(verdict.reason));
  else if (verdict.result != Result::none)
    out.push_back("mechanism=" + value(verdict.mechanism.empty() ? "default" : std::string_view(verdict.mechanism)));
  return out;
}

// RFC 7601 2.2: pvalue; what is an email identity takes the form local-part@domain-name.
std::string mailfrom_value(const Question& question, const Verdict& verdict) {
  if (const auto address = smtp::parse_address(question.mail_from)) return address->text();
  return verdict.domain.empty() ? quoted(question.mail_from) : verdict.domain;
}

}  // namespace

std::string received_spf(const Question& question, const Verdict& verdict) {
  Question asked = question;
  asked.identity = verdict.identity;
  Folder folder(fmt::format("Received-SPF: {}", to_string(verdict.result)));
  const std::string text = fmt::format("({}: {})", escaped(harmless(question.receiver), "()"), escaped(comment(asked, verdict), "()"));
  std::size_t begin = 0;
  for (std::size_t end = 0; end != text.size(); begin = end + 1) {
    end = std::min(text.find(' ', begin), text.size());
    if (end > begin) folder.word(std::string_view(text).substr(begin, end - begin));
  }
  for (const std::string& pair : pairs(question, verdict)) folder.word(pair + ";");
  return folder.take();
}

std::string authentication_result(const Question& question, const Verdict& verdict) {
  std::string out = fmt::format("spf={}", to_string(verdict.result));
  if (verdict.result == Result::temperror || verdict.result == Result::permerror) out += " reason=" + quoted(verdict.reason);
  if (verdict.identity == Identity::helo || question.mail_from.empty())
    out += " smtp.helo=" + (verdict.domain.empty() ? quoted(question.helo) : verdict.domain);
  else
    out += " smtp.mailfrom=" + mailfrom_value(question, verdict);
  return out;
}

}  // namespace godwit::spf
