#include "frontend/imapd/search_terms.h"

#include <algorithm>

#include "grammar/message/casemap.h"
#include "grammar/message/date.h"
#include "grammar/message/encoded_word.h"

namespace godwit::imapd {
namespace {

using Test = Term::Test;

// "Name <local@host>"
void append_mailbox_text(std::string& out, const message::EnvelopeAddress& address) {
  std::string name = message::decode_words(address.name);
  out += name;
  if (!name.empty()) out += " <";
  out += address.mailbox;
  if (!address.host.empty()) {
    out += '@';
    out += address.host;
  }
  if (!name.empty()) out += '>';
}

}  // namespace

bool test_row(const Term& term, const mailbox::MessageInfo& info) {
  switch (term.test) {
    case Test::uids: return term.uids.contains(info.uid);
    case Test::flag: return (info.flags & term.flag) != 0;
    case Test::keyword: return std::ranges::binary_search(info.keywords, term.keyword);
    case Test::size: return term.in_range(static_cast<std::int64_t>(info.size));
    case Test::modseq: return term.in_range(static_cast<std::int64_t>(info.modseq));
    case Test::received: return term.in_range(info.received.time_since_epoch().count());
    case Test::saved:  // RFC 8514 4.3: where there is none, the internal date
      return term.in_range((info.saved == WallTime{} ? info.received : info.saved).time_since_epoch().count());
    case Test::email: return term.in_range(static_cast<std::int64_t>(info.email));
    default: return false;
  }
}

std::string address_text(const std::vector<message::EnvelopeAddress>& addresses) {
  using Kind = message::EnvelopeAddress::Kind;
  std::string out;
  bool first = true;
  for (const auto& address : addresses) {
    if (address.kind == Kind::group_end) {
      out += ';';
      continue;
    }
    if (!first) out += ", ";
    first = address.kind == Kind::group_begin;
    if (first)
      out += message::decode_words(address.mailbox) + ": ";
    else
      append_mailbox_text(out, address);
  }
  return out;
}

bool EnvelopeTexts::test(const Term& term) {
  if (term.test == Test::sent) return test_sent(term);
  const auto& text = text_of(term.test);
  return text && term.needle.in(*text);
}

const std::optional<std::string>& EnvelopeTexts::text_of(Test test) {
  const auto index = static_cast<std::size_t>(test) - static_cast<std::size_t>(Test::subject);
  Cached& cached = texts_.at(index);
  if (!cached.made) {
    cached.text = make_text(test);
    if (cached.text) cached.text = message::casemap(*cached.text);
    cached.made = true;
  }
  return cached.text;
}

std::optional<std::string> EnvelopeTexts::make_text(Test test) const {
  const auto addresses = [](const std::vector<message::EnvelopeAddress>& list) {
    return list.empty() ? std::nullopt : std::optional(address_text(list));
  };
  const auto decoded = [](const std::optional<std::string>& raw) {
    return raw ? std::optional(message::decode_words(*raw)) : std::nullopt;
  };
  switch (test) {
    case Test::subject: return decoded(envelope_.subject);
    case Test::from: return addresses(envelope_.from);
    case Test::to: return addresses(envelope_.to);
    case Test::cc: return addresses(envelope_.cc);
    case Test::bcc: return addresses(envelope_.bcc);
    case Test::in_reply_to: return decoded(envelope_.in_reply_to);
    case Test::message_id: return decoded(envelope_.message_id);
    default: return std::nullopt;
  }
}

// RFC 9051 6.4.4: the day as the sender wrote it. Without a date that can be read the message was sent on no day.
bool EnvelopeTexts::test_sent(const Term& term) const {
  if (!envelope_.date) return false;
  const auto date = message::parse_date(*envelope_.date);
  if (!date) return false;
  const auto local = date->time + std::chrono::minutes(date->offset_minutes);
  return term.in_range(std::chrono::floor<std::chrono::days>(local).time_since_epoch().count());
}

bool test_heading(const Term& term, const Heading& heading, const mailbox::Details* whole) {
  if (term.test == Test::sent) return heading.sent_day && term.in_range(*heading.sent_day);
  if (heading.cut) return whole != nullptr && EnvelopeTexts(whole->envelope).test(term);
  const auto& text = term.test == Test::subject ? heading.subject : heading.message_id;
  return text && term.needle.in(*text);
}

namespace {

// TEXT first
std::vector<std::size_t> whole_terms(const std::vector<Term>& terms, std::span<const std::size_t> open) {
  std::vector<std::size_t> out;
  for (const Test test : {Test::text, Test::body}) {
    for (const std::size_t term : open) {
      if (terms[term].test == test) out.push_back(term);
    }
  }
  return out;
}

std::vector<message::Needle> needles_of(const std::vector<Term>& terms, const std::vector<std::size_t>& which) {
  std::vector<message::Needle> out;
  out.reserve(which.size());
  for (const std::size_t term : which) out.push_back(terms[term].needle);
  return out;
}

}  // namespace

TermHunt::TermHunt(const std::vector<Term>& terms, std::span<const std::size_t> open, std::vector<Verdict>& verdicts,
                   std::function<bool()> undecided)
    : terms_(terms),
      verdicts_(verdicts),
      undecided_(std::move(undecided)),
      whole_(whole_terms(terms, open)),
      texts_(static_cast<std::size_t>(std::ranges::count(whole_, Test::text, [&](std::size_t term) { return terms[term].test; }))),
      searcher_(needles_of(terms, whole_)) {
  for (const std::size_t term : open) {
    if (terms_[term].test == Test::header) header_.push_back(term);
  }
}

bool TermHunt::ask_whether_over(bool found_some) {
  if (found_some && !over_) over_ = !undecided_();
  return !over_;
}

void TermHunt::end_header() {
  in_header_ = false;
  for (const std::size_t term : header_) verdicts_[term] = Verdict::no;
  header_.clear();
}

void TermHunt::end_message() {
  for (const std::size_t term : whole_) {
    if (verdicts_[term] == Verdict::unknown) verdicts_[term] = Verdict::no;
  }
}

bool TermHunt::field(std::string_view name, std::string_view raw) {
  if (over_) return false;
  const bool in_header = in_header_ && std::ranges::any_of(header_, [&](std::size_t term) { return terms_[term].field == name; });
  if (!in_header && texts_ == 0) return true;
  const std::string value = message::casemap(message::decode_words(raw));
  if (in_header && !look_in_header(name, value)) return false;
  return texts_ == 0 || look_in_field(message::casemap(name) + ":" + value);
}

bool TermHunt::look_in_header(std::string_view name, std::string_view casemapped) {
  const auto found = std::erase_if(header_, [&](std::size_t term) {
    if (terms_[term].field != name || !terms_[term].needle.in(casemapped)) return false;
    verdicts_[term] = Verdict::yes;
    return true;
  });
  return ask_whether_over(found > 0);
}

bool TermHunt::look_in_field(std::string_view casemapped) {
  bool found = false;
  for (std::size_t i = 0; i < texts_; ++i) {
    Verdict& verdict = verdicts_[whole_[i]];
    if (verdict != Verdict::unknown || !terms_[whole_[i]].needle.in(casemapped)) continue;
    verdict = Verdict::yes;
    found = true;
  }
  return ask_whether_over(found);
}

bool TermHunt::begin_part() {
  searcher_.end_text();
  return !over_ && !searcher_.all_found();
}

bool TermHunt::text(std::string_view utf8) {
  searcher_.feed(utf8);
  bool found = false;
  for (std::size_t i = 0; i < whole_.size(); ++i) {
    Verdict& verdict = verdicts_[whole_[i]];
    if (verdict != Verdict::unknown || !searcher_.found(i)) continue;
    verdict = Verdict::yes;
    found = true;
  }
  return ask_whether_over(found) && !searcher_.all_found();
}

}  // namespace godwit::imapd
