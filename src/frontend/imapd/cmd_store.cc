#include <algorithm>

#include "frontend/imapd/flag_bits.h"
#include "frontend/imapd/session.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {
namespace {

mailbox::FlagChange change_of(imap::Store& command) {
  mailbox::FlagChange change;
  switch (command.change) {
    case imap::Store::Change::replace: change.how = mailbox::FlagChange::How::replace; break;
    case imap::Store::Change::add: change.how = mailbox::FlagChange::How::add; break;
    case imap::Store::Change::remove: change.how = mailbox::FlagChange::How::remove; break;
  }
  change.flags = flag_bits(command.flags);
  change.keywords = std::move(command.flags.keywords);
  return change;
}

std::uint64_t count(const std::vector<mailbox::UidRange>& ranges) {
  std::uint64_t sum = 0;
  for (const auto& range : ranges) sum += static_cast<std::uint64_t>(range.last) - range.first + 1;
  return sum;
}

}  // namespace

// RFC 9051 6.4.6, RFC 7162 3.1.3
Task<Reply> Session::cmd(imap::Store command) {
  if (selected_->read_only) co_return Reply::no(text::kReadOnly, code::kNoPerm);
  auto uids = resolve(*selected_, command.set, command.uid);
  if (!uids) co_return Reply::bad(text::kBadSequence);
  if (command.unchanged_since) enable_condstore();
  const std::uint64_t asked = count(*uids);
  if (asked == 0) co_return Reply::ok("Nothing to do");
  auto change = change_of(command);
  const auto is_new = [this](const auto& keyword) { return !selected_->keywords->find(keyword); };
  const bool new_keywords = std::ranges::any_of(change.keywords, is_new);
  using enum mailbox::Mailboxes::Wanted;
  const auto wanted = command.silent && !condstore_ ? numbers : messages;
  const auto done =
      co_await mailboxes().change_flags(account(), selected_->number, *std::move(uids), std::move(change), command.unchanged_since, wanted);
  if (!done) co_return reply_to(done.error());
  remember_told(*done, !command.silent);
  const auto is_unknown = [this](const auto& info) { return !is_known(*selected_->keywords, info); };
  if (new_keywords || std::ranges::any_of(done->messages, is_unknown)) co_await refresh_keywords();
  co_await tell_stored(done->messages, command);
  if (!done->refused.empty()) co_return Reply::ok("Some have been changed meanwhile", modified_code(done->refused, command.uid));
  const bool all = done->stored.size() == asked;
  if (!all && !command.uid) co_return Reply::no(text::kMessagesGone, code::kExpungeIssued);
  co_return Reply::ok("Stored");
}

// What the client knows by the answer to its own command need not be told again: all of it where the answer has the flags, else where it
// knew the message as it was before (another session may have changed it unseen: RFC 9051 6.4.6).
void Session::remember_told(const mailbox::FlagsChanged& done, bool with_flags) {
  Selected& box = *selected_;
  if (done.highest_before == box.modseq) {  // nobody else has changed anything: the client knows all of it
    box.modseq = done.highest_after;
    return;
  }
  for (const auto& each : done.stored) {
    const bool known = with_flags || each.before <= box.modseq || box.told.contains(each.before);
    if (known) box.told.insert(each.modseq);
  }
}

// With CONDSTORE the new modseq is told even to a .SILENT (RFC 7162 3.1.3).
Task<> Session::tell_stored(std::vector<mailbox::MessageInfo> messages, const imap::Store& command) {
  for (const auto& info : messages) {
    if (command.silent && !condstore_) continue;
    const auto sequence = selected_->view.sequence_of(info.uid);
    if (!sequence) continue;
    std::string& out = out_.buffer();
    out += "* " + std::to_string(*sequence) + " FETCH (";
    if (command.uid || tells_uids()) out += "UID " + std::to_string(info.uid) + (command.silent ? "" : " ");
    if (!command.silent) {
      out += "FLAGS ";
      append_flags_of(out, info, *selected_->keywords, selected_->recent.contains(info.uid), dialect_);
    }
    if (condstore_) {
      if (out.back() != '(') out += ' ';
      out += "MODSEQ (" + std::to_string(info.modseq) + ')';
    }
    out += ")\r\n";
    co_await out_.flush_if_large();
  }
}

std::string Session::modified_code(const std::vector<mailbox::Uid>& refused, bool uid) const {
  imap::NumberSet numbers;
  for (const auto each : refused) {
    const auto sequence = selected_->view.sequence_of(each);
    if (sequence) numbers.add(uid ? each : *sequence);
  }
  std::string out;
  imap::append_code(out, "MODIFIED", numbers);
  return out;
}

}  // namespace godwit::imapd
