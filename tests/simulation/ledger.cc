#include "ledger.h"

#include <algorithm>
#include <sstream>

#include "base/bytes.h"

namespace godwit::simulation {
namespace {

using namespace std::chrono_literals;

std::string_view header_of(std::string_view text) { return text.substr(0, text.find("\r\n\r\n")); }

std::string field(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  if (at == std::string_view::npos) return {};
  const auto value = text.substr(at + name.size());
  return std::string(value.substr(0, value.find("\r\n")));
}

// "2026-11-22T12:18:39Z"
WallTime parse_time(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  if (std::sscanf(text.c_str(), "%d-%u-%uT%u:%u:%uZ", &year, &month, &day, &hour, &minute, &second) != 6) return {};
  return std::chrono::sys_days(std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

}  // namespace

std::string Ledger::tag_of(std::string_view text) {
  const std::string_view header = header_of(text);
  std::string tag = field(header, "X-Tag: ");
  return tag.empty() ? field(header, "Message-ID: ") : tag;
}

Mail& Ledger::ask(Mail mail) {
  std::string tag = mail.tag;
  return mails_.insert_or_assign(std::move(tag), std::move(mail)).first->second;
}

void Ledger::kept(Mail& mail) {
  journal_.add("kept " + mail.tag);
  if (!mail.kept) mail.kept_at = clock_.steady();
  mail.kept = true;
}

void Ledger::accepted(const queue::Message& message, std::string text) {
  if (by_id_.contains(message.id)) return;
  const auto found = mails_.find(message.session);
  if (found == mails_.end()) return add_report(message, text);
  by_id_[message.id] = &found->second;
  found->second.id = message.id;
}

void Ledger::add_report(const queue::Message& message, const std::string& text) {
  Mail report;
  report.tag = tag_of(message.prefix + text);
  report.report = true;
  report.kept = true;
  report.kept_at = starting_ && !cuts_.empty() ? cuts_.back() : clock_.steady();
  report.id = message.id;
  for (const auto& recipient : message.recipients)
    report.fates[recipient.address.text()].local = recipient.address.domain.text().ends_with(".home.test");
  journal_.add(fmt::format("report {} to {} ({})", report.tag, message.recipients[0].address.text(), message.session));
  // "dsn-ID" or "dsn-postmaster-ID"
  Mail* about = nullptr;
  const auto id = parse_message_id(message.session.substr(message.session.rfind('-') + 1));
  if (id)
    if (const auto found = by_id_.find(*id); found != by_id_.end()) about = found->second;
  Mail& added = ask(std::move(report));
  by_id_[message.id] = &added;
  if (about == nullptr) return journal_.violation("a report about nothing that we know: " + message.session);
  if (!about->report && text.find("X-Tag: " + about->tag + "\r\n") == std::string::npos)
    journal_.violation("the report about " + about->tag + " does not have its header");
  std::string recipient;
  std::istringstream lines(text.substr(text.find("Reporting-MTA:") == std::string::npos ? 0 : text.find("Reporting-MTA:")));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.starts_with("--")) break;  // what follows is the original, which may be a report itself
    if (line.starts_with("Final-Recipient: rfc822;")) recipient = line.substr(line.find(';') + 1);
    if (line.starts_with("Final-Recipient: rfc822; ")) recipient = line.substr(line.find(';') + 2);
    if (!line.starts_with("Action: ") || recipient.empty()) continue;
    if (line != "Action: failed" && line != "Action: delayed") continue;
    report_covers(*about, recipient, line == "Action: failed", added.kept_at);
    recipient.clear();
  }
}

Fate* Ledger::fate_of(Mail& mail, const std::string& recipient) {
  const auto found = mail.fates.find(recipient);
  if (found != mail.fates.end()) return &found->second;
  journal_.violation(fmt::format("{} has no recipient {}", mail.tag, recipient));
  return nullptr;
}

void Ledger::report_covers(Mail& about, const std::string& recipient, bool failure, SteadyTime at) {
  Fate* fate = fate_of(about, recipient);
  if (fate == nullptr) return;
  ++(failure ? totals_.failures : totals_.delays);
  auto& reports = failure ? fate->failures : fate->delays;
  for (const SteadyTime earlier : reports)
    if (!forgotten(earlier, at))
      journal_.violation(fmt::format("{} {}: {} twice", about.tag, recipient, failure ? "returned" : "told of a delay"));
  if (failure)
    for (const Fate::Took& took : fate->taken)
      if (took.heard && !forgotten(*took.heard, at))
        journal_.violation(fmt::format("{} {}: returned although it was taken", about.tag, recipient));
  reports.push_back(at);
}

bool Ledger::forgotten(SteadyTime outcome, SteadyTime until) const {
  return std::ranges::any_of(cuts_, [&](SteadyTime cut) { return cut >= outcome && cut <= outcome + kMayBeForgotten && cut <= until; });
}

bool Ledger::troubled(SteadyTime from, SteadyTime to) const {
  return under_way_ > 0 ||
         std::ranges::any_of(outages_, [&](const Outage& outage) { return outage.from <= to && outage.to + rules_.after_outage >= from; });
}

void Ledger::power_cut() {
  journal_.add("POWER CUT");
  cuts_.push_back(clock_.steady());
}

void Ledger::restarted() {
  last_start_ = clock_.steady();
  for (auto& [tag, mail] : mails_) mail.next_attempt = {};
}

void Ledger::acted_on(MessageId id, bool drop) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  found->second->next_attempt = {};
  found->second->dropped = found->second->dropped || drop;
}

void Ledger::note(MessageId id, std::string_view kind, const std::string& detail) {
  journal_.add(fmt::format("{} {}: {}", id.text(), kind, detail));
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  Mail& mail = *found->second;
  if (kind == "dropped") mail.dropped = true;
  if (kind == "bounced")
    if (Fate* fate = fate_of(mail, detail.substr(0, detail.find(':')))) fate->given_up = true;
  if (mail.fates.size() != 1) return;
  if (kind == "attempt" && detail.starts_with("number ")) begin_attempt(mail);
  if (kind == "deferred" && detail.size() > 20) mail.next_attempt = parse_time(detail.substr(detail.size() - 20));
}

void Ledger::begin_attempt(Mail& mail) {
  ++totals_.attempts;
  totals_.most_attempts = std::max<std::uint64_t>(totals_.most_attempts, ++mail.attempts);
  if (mail.attempts > rules_.most_attempts + 3 * cuts_.size())
    journal_.violation(fmt::format("{}: attempt {}, more than the schedule has", mail.tag, mail.attempts));
  const WallTime due = std::exchange(mail.next_attempt, WallTime{});
  if (due == WallTime{} || rules_.wall_clock_jumps) return;
  if (clock_.now() < due)
    journal_.violation(fmt::format("{}: tried at {} and not at {}", mail.tag, format_rfc3339(clock_.now()), format_rfc3339(due)));
}

std::size_t Ledger::take(Taken taken) {
  const std::string tag = tag_of(taken.text);
  const std::size_t number = takes_.size();
  takes_.emplace_back();
  take_recipients_.push_back(taken.to);
  journal_.add(fmt::format("{} takes {} from <{}> for {}", taken.host, tag, taken.from, fmt::join(taken.to, " ")));
  const auto found = mails_.find(tag);
  if (found == mails_.end()) {
    journal_.violation(taken.host + " took what nobody has handed in: " + taken.text.substr(0, 200));
    return number;
  }
  Mail& mail = found->second;
  if (!mail.report && !taken.text.ends_with(mail.body)) journal_.violation(mail.tag + " was changed on its way");
  if (!mail.report && taken.from != mail.sender) journal_.violation(mail.tag + " has another sender: " + taken.from);
  const SteadyTime now = clock_.steady();
  for (const std::string& recipient : taken.to) {
    Fate* fate = fate_of(mail, recipient);
    if (fate == nullptr) continue;
    ++totals_.taken;
    for (const Fate::Took& took : fate->taken)
      if (took.heard && *took.heard < taken.begun && !forgotten(*took.heard, now))
        journal_.violation(fmt::format("{} {}: twice, though the 250 was heard", mail.tag, recipient));
    for (const SteadyTime returned : fate->failures)
      if (returned < taken.begun && !forgotten(returned, now))
        journal_.violation(fmt::format("{} {}: delivered after it was returned", mail.tag, recipient));
    if (!fate->taken.empty()) ++totals_.twice;
    if (fate->taken.empty()) check_prompt(mail, recipient);
    takes_[number].emplace_back(&mail, fate->taken.size());
    fate->taken.push_back({now});
  }
  return number;
}

void Ledger::heard(std::size_t number) {
  for (std::size_t i = 0; i < takes_[number].size(); ++i) {
    const auto& [mail, which] = takes_[number][i];
    Fate& fate = mail->fates.at(take_recipients_[number][i]);
    fate.taken[which].heard = clock_.steady();
  }
}

void Ledger::check_prompt(const Mail& mail, const std::string& recipient) {
  const auto wanted = prompt_.find(recipient.substr(recipient.find('@') + 1));
  if (wanted == prompt_.end() || !mail.kept) return;
  const SteadyTime now = clock_.steady();
  if (troubled(mail.kept_at, now)) return;
  const Duration took = now - mail.kept_at;
  totals_.latest_steady = std::max(totals_.latest_steady, took);
  if (took > wanted->second)
    journal_.violation(fmt::format("{} {}: starved, {} s to a server that is well", mail.tag, recipient, took.count() / 1'000));
}

// After a start: who has neither arrived nor been returned is in the queue.
void Ledger::expect_pending(const std::vector<queue::Message>& queued) {
  std::map<MessageId, std::map<std::string, bool>> pending;
  for (const auto& message : queued)
    for (const auto& recipient : message.recipients)
      if (recipient.state == queue::Recipient::State::pending) pending[message.id][recipient.address.text()] = true;
  for (const auto& [tag, mail] : mails_) {
    if (!mail.kept || mail.dropped) continue;
    for (const auto& [recipient, fate] : mail.fates) {
      if (fate.local || !fate.taken.empty() || !fate.failures.empty() || fate.given_up) continue;
      const auto found = pending.find(mail.id);
      if (found == pending.end() || !found->second.contains(recipient))
        journal_.violation(fmt::format("LOST {} {}: kept, and after the start neither delivered nor returned nor queued", tag, recipient));
    }
  }
}

void Ledger::settle(const std::map<std::string, std::vector<std::string>>& mailboxes) {
  std::map<std::string, std::map<std::string, unsigned>> copies;  // tag -> mailbox -> how many
  for (const auto& [mailbox, tags] : mailboxes)
    for (const std::string& tag : tags) ++copies[tag][mailbox];
  for (const auto& [tag, boxes] : copies) {
    const auto found = mails_.find(tag);
    if (found == mails_.end()) journal_.violation("in a mailbox, and nobody's: " + tag);
    for (const auto& [mailbox, count] : boxes)
      if (count > 1) journal_.violation(fmt::format("{} is {} times in {}", tag, count, mailbox));
    totals_.local += boxes.size();
  }
  for (const auto& [tag, mail] : mails_) {
    if (!mail.kept) continue;
    ++totals_.mails;
    for (const auto& [recipient, fate] : mail.fates) {
      ++totals_.recipients;
      bool arrived = !fate.taken.empty();
      if (fate.local) {
        const auto& boxes = copies[tag];
        arrived = mailboxes.contains(recipient) ? boxes.contains(recipient) : !boxes.empty();  // postmaster is an account's second name
      }
      const bool silent = fate.given_up && fate.notify_never;
      if (!arrived && fate.failures.empty() && !silent && !mail.dropped)
        journal_.violation(fmt::format("LOST {} {}: kept, and neither delivered nor returned", tag, recipient));
      if (arrived && fate.local && !fate.failures.empty()) journal_.violation(fmt::format("{} {}: delivered and returned", tag, recipient));
    }
  }
}

}  // namespace godwit::simulation
