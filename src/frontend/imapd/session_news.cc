// What other sessions (and deliveries) have done to the selected mailbox, told at the end of a command and in IDLE.

#include <algorithm>

#include "base/log.h"
#include "frontend/imapd/session.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {

using mailbox::MessageInfo;
using mailbox::Uid;

void Session::on_change() {
  news_ = true;
  if (idling_ && waiting_ && stream_) stream_->cancel();
}

Task<> Session::tell_news(Expunges expunges) {
  if (!selected_) co_return;
  const std::uint32_t told_exist = selected_->view.count();
  const Uid first_new = selected_->highest_uid + 1;
  std::vector<MessageInfo> changed;
  if (watch_->changes() != selected_->seen && !co_await is_up_to_date()) {
    const auto gathered = co_await gather_news(changed);
    if (!gathered && gathered.error().cause == Error::Cause::not_found) {
      say_bye(text::kNoMailboxNow);
      closing_ = true;
      co_return;
    }
    if (!gathered) {  // tried again after the next command
      log::warning("news_unavailable", {{"session", id_}, {"account", account_->address.text()}, {"error", gathered.error().text}});
      selected_->held_back = true;
      tell_known();
      co_return;
    }
  }
  const bool more = selected_->view.count() != told_exist;
  if (expunges == Expunges::tell && !selected_->gone.empty()) tell_expunged();
  if (more) {
    out_.untagged(std::to_string(selected_->view.count()) + " EXISTS");
    if (!dialect_.rev2) {
      const auto recent = co_await mailboxes().first_recent(account(), selected_->number, !selected_->read_only);
      if (recent) claim(std::max(*recent, first_new));
      out_.untagged(std::to_string(selected_->recent.count()) + " RECENT");
    }
  }
  co_await tell_changed(changed);
  if (selected_->gone.empty()) selected_->known = selected_->modseq;
  if (!selected_->gone.empty() || selected_->held_back) tell_known();
  selected_->held_back = !selected_->gone.empty();
}

// RFC 7162 3.2: a client that has seen the modseqs of other changes must not take them for the highest it knows while VANISHED is kept
// back.
void Session::tell_known() {
  if (qresync_) out_.untagged("OK [HIGHESTMODSEQ " + std::to_string(selected_->known) + "] All is told up to here");
}

// \Recent in this session from now on: those of the view from `first` on.
void Session::claim(Uid first) {
  Selected& box = *selected_;
  const std::vector<mailbox::UidRange> from(1, {first, UINT32_MAX});
  for (const auto& range : box.view.intersect(from)) box.recent.add(range);
}

// The account has changed; this mailbox may not have, or by this session alone.
Task<bool> Session::is_up_to_date() {
  Selected& box = *selected_;
  const std::uint64_t seen = watch_->changes();
  const auto now = co_await mailboxes().status(account(), box.number);
  if (!now || now->highest_modseq != box.modseq) co_return false;
  box.told.clear();
  box.seen = seen;
  co_return true;
}

Task<Result<void>> Session::gather_news(std::vector<MessageInfo>& changed) {
  Selected& box = *selected_;
  const std::uint64_t seen = watch_->changes();
  GODWIT_CO_ASSIGN(auto changes, co_await mailboxes().changes(account(), box.number, box.modseq));
  if (!changes.complete) {
    GODWIT_CO_ASSIGN(const auto now, co_await mailboxes().uids(account(), box.number));
    for (const auto& range : box.view.ranges())
      for (Uid uid = range.first; uid <= range.last && uid >= range.first; ++uid)
        if (!now.contains(uid)) changes.expunged.push_back(uid);
    std::ranges::sort(changes.expunged);
  }
  bool unknown = false;
  for (auto& info : changes.messages) {
    unknown = unknown || !is_known(*box.keywords, info);
    if (info.uid > box.highest_uid) {
      box.view.add(info.uid);
      box.highest_uid = info.uid;
    } else if (!box.told.contains(info.modseq) && box.view.contains(info.uid)) {
      changed.push_back(std::move(info));
    }
  }
  take_gone(std::move(changes.expunged));
  box.told.clear();
  box.modseq = std::max(box.modseq, changes.modseq);
  box.seen = seen;
  if (unknown) co_await refresh_keywords();
  co_return Result<void>{};
}

void Session::take_gone(std::vector<Uid> uids) {
  Selected& box = *selected_;
  std::erase_if(uids, [&](Uid uid) { return !box.view.contains(uid); });
  if (uids.empty()) return;
  std::vector<Uid> all;
  std::ranges::set_union(box.gone, uids, std::back_inserter(all));
  box.gone = std::move(all);
}

// RFC 7162 3.2.10: with QRESYNC enabled VANISHED, by UIDs; else one EXPUNGE each, whose number counts those before it as gone.
void Session::tell_expunged() {
  Selected& box = *selected_;
  if (qresync_) {
    out_.untagged("VANISHED " + to_number_set(box.gone).text());
  } else {
    std::uint32_t told = 0;
    for (const Uid uid : box.gone) out_.untagged(std::to_string(*box.view.sequence_of(uid) - told++) + " EXPUNGE");
  }
  box.view.remove(box.gone);
  box.recent.remove(box.gone);
  box.gone.clear();
}

Task<> Session::tell_changed(const std::vector<MessageInfo>& changed) {
  for (const auto& info : changed) {
    append_changed_fetch(info);
    co_await out_.flush_if_large();
  }
}

// RFC 7162 3.2.4, RFC 9051 7.5.2: the UID stands in it too.
void Session::append_changed_fetch(const MessageInfo& info) {
  const auto sequence = selected_->view.sequence_of(info.uid);
  if (!sequence) return;
  std::string& out = out_.buffer();
  out += "* " + std::to_string(*sequence) + " FETCH (";
  if (tells_uids()) out += "UID " + std::to_string(info.uid) + ' ';
  out += "FLAGS ";
  append_flags_of(out, info, *selected_->keywords, selected_->recent.contains(info.uid), dialect_);
  if (condstore_) out += " MODSEQ (" + std::to_string(info.modseq) + ')';
  out += ")\r\n";
}

Task<> Session::refresh_keywords() {
  auto keywords = co_await mailboxes().keywords(account());
  if (!keywords) co_return;
  selected_->keywords = *std::move(keywords);
  if (selected_->keywords->names().size() != selected_->keywords_told) tell_flags();
}

Task<std::shared_ptr<const mailbox::Keywords>> Session::fresh_keywords() {
  co_await refresh_keywords();
  co_return selected_->keywords;
}

// RFC 9051 7.3.5 FLAGS, and what of them may be changed.
void Session::tell_flags() {
  std::string names = "\\Answered \\Flagged \\Deleted \\Seen \\Draft";
  for (const auto& keyword : selected_->keywords->names()) {
    if (!keyword.empty()) names += ' ' + keyword;
  }
  const bool room = selected_->keywords->names().size() < mailbox::Keywords::kMax;
  out_.untagged("FLAGS (" + names + ")");
  if (selected_->read_only)
    out_.untagged("OK [PERMANENTFLAGS ()] Nothing can be changed here");
  else
    out_.untagged("OK [PERMANENTFLAGS (" + names + (room ? " \\*)] These flags are kept" : ")] These flags are kept, and no new ones"));
  selected_->keywords_told = selected_->keywords->names().size();
}

}  // namespace godwit::imapd
