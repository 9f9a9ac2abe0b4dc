#include <algorithm>
#include <unordered_map>

#include "frontend/imapd/search_command.h"
#include "frontend/imapd/session.h"
#include "frontend/imapd/sort.h"

namespace godwit::imapd {
namespace {

bool is_display(const imap::SortCriterion& criterion) {
  return criterion.key == imap::SortCriterion::Key::display_from || criterion.key == imap::SortCriterion::Key::display_to;
}

// The modseqs of `sorted`, which are those of `found` in another order.
std::vector<std::uint64_t> modseqs_of(const Found& found, const std::vector<mailbox::Uid>& sorted) {
  if (!found.used_modseq) return {};
  std::unordered_map<mailbox::Uid, std::uint64_t> by_uid;
  for (std::size_t i = 0; i < found.uids.size(); ++i) by_uid.emplace(found.uids[i], found.modseqs[i]);
  std::vector<std::uint64_t> out;
  out.reserve(sorted.size());
  for (const auto uid : sorted) out.push_back(by_uid[uid]);
  return out;
}

}  // namespace

// RFC 5256 3, RFC 5267 3 (ESORT), RFC 5957 (DISPLAY)
Task<Reply> Session::cmd(imap::Sort command) {
  if (std::ranges::any_of(command.criteria, is_display) && !has("SORT=DISPLAY")) co_return Reply::bad("This server cannot sort by that");
  if (command.options && !has("ESORT")) co_return Reply::bad("This server does not have RETURN");
  if (command.options && command.options->save && !has("SEARCHRES")) co_return Reply::bad("This server does not have SAVE");
  if (names_keywords(command.key)) co_await refresh_keywords();
  Searching where = searching();
  auto found = co_await search(where, std::move(command.key), std::move(command.charset));
  if (!found) co_return search_failed(found.error(), command.options, *selected_);
  if (found->used_modseq) enable_condstore();  // RFC 7162 3.1
  std::vector<mailbox::Uid> uids = found->uids;
  auto sorted = co_await sort(std::move(where), std::move(command.criteria), std::move(uids));
  if (!sorted) co_return search_failed(sorted.error(), command.options, *selected_);
  if (command.options && command.options->save) selected_->saved = saved_of(*sorted, *command.options);
  Matches matches;
  matches.modseqs = modseqs_of(*found, *sorted);
  matches.numbers = *std::move(sorted);
  if (!command.uid) uids_to_numbers(selected_->view, matches.numbers);
  if (!command.options)
    co_await tell_numbers(out_, "SORT", std::move(matches));
  else if (says_something(*command.options))
    append_esearch(out_.buffer(), tag_, command.uid, matches, *command.options);
  co_return Reply::ok("Sorted");
}

}  // namespace godwit::imapd
