// Searches, sorts and threads of any shape against a small mailbox. What NOT finds is what the key does not find; a sort is a permutation
// of the search, and threads hold every message once.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>

#include "frontend/imapd/search_fixture.h"
#include "grammar/message/charset.h"

namespace godwit::imapd {
namespace {

void fill(SearchBox& box) {
  box.add_mail(
      {"Subject: =?utf-8?q?=C3=84pfel?= and pears\nFrom: Anna <anna@a.test>\nTo: friends: b@b.test;\nDate: 1 Feb 1994 23:00:00 -0800\n"
       "Message-ID: <1@a.test>\n\nplain text\n",
       {},
       mailbox::kSeen,
       {"work"}});
  box.add_mail(
      {"Subject: Re: =?utf-8?q?=C3=84pfel?= and pears\nReferences: <1@a.test>\nContent-Type: multipart/mixed; boundary=b\n\n"
       "--b\nContent-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n"
       "--b\nContent-Type: message/rfc822\n\nSubject: inner\n\ninner body\n--b--\n",
       {},
       mailbox::kFlagged | mailbox::kDeleted,
       {}});
  const auto gone = box.add("Subject: gone\n\n");
  box.add("no header at all\n");
  box.add("");
  box.add("X-Long: " + std::string(2'000, 'x') + "\nContent-Transfer-Encoding: base64\n\nTWFuIGlzIGRpc3Rpbmd1aXNoZWQ=\n");
  box.expunge(gone);
  box.refresh();
  box.recent.add(mailbox::UidRange{4, 1'000});
  box.saved.add(2);
}

std::vector<mailbox::Uid> found_by(SearchBox& box, const imap::SearchKey& key, const std::string& charset) {
  const auto found = box.loop.run(search(box.searching(), key, charset));
  if (!found) {
    GODWIT_CHECK(found.error().cause == Error::Cause::unsupported);
    return {};
  }
  GODWIT_CHECK(std::ranges::is_sorted(found->uids));
  for (const auto uid : found->uids) GODWIT_CHECK(box.view.contains(uid));
  GODWIT_CHECK(found->modseqs.size() == (found->used_modseq ? found->uids.size() : 0));
  return found->uids;
}

void check_opposite(SearchBox& box, const imap::SearchKey& key, const std::string& charset) {
  if (!message::is_known_charset(charset.empty() ? "UTF-8" : charset)) return;
  imap::SearchKey opposite;
  opposite.kind = imap::SearchKey::Kind::negation;
  opposite.keys.push_back(key);
  auto all = found_by(box, key, charset);
  const auto others = found_by(box, opposite, charset);
  all.insert(all.end(), others.begin(), others.end());
  std::ranges::sort(all);
  GODWIT_CHECK(std::ranges::adjacent_find(all) == all.end());
  GODWIT_CHECK(all.size() == box.view.count());
}

void check_sort(SearchBox& box, const imap::Sort& command) {
  auto uids = found_by(box, command.key, command.charset);
  auto sorted = box.loop.run(sort(box.searching(), command.criteria, uids));
  GODWIT_CHECK(sorted.has_value());
  std::ranges::sort(*sorted);
  GODWIT_CHECK(*sorted == uids);
}

void check_threads(SearchBox& box, const imap::Thread& command) {
  const auto uids = found_by(box, command.key, command.charset);
  const auto text = box.loop.run(thread(box.searching(), command.algorithm, uids, true));
  GODWIT_CHECK(text.has_value());
  std::multiset<mailbox::Uid> seen;
  for (std::size_t i = 0; i < text->size();) {
    if ((*text)[i] < '0' || (*text)[i] > '9') {
      ++i;
      continue;
    }
    std::size_t length = 0;
    seen.insert(static_cast<mailbox::Uid>(std::stoul(text->substr(i, 10), &length)));
    i += length;
  }
  GODWIT_CHECK(std::ranges::equal(seen, uids));
}

}  // namespace
}  // namespace godwit::imapd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace godwit;
  static std::unique_ptr<imapd::SearchBox> box;
  static std::size_t inputs = 0;
  if (inputs++ % 200 == 0) {
    box = std::make_unique<imapd::SearchBox>();
    imapd::fill(*box);
  }
  if (size > 2'000) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto command = imap::parse_command("a " + text);
  if (!command) return 0;
  if (const auto* search = std::get_if<imap::Search>(&command->request)) imapd::check_opposite(*box, search->key, search->charset);
  if (const auto* sort = std::get_if<imap::Sort>(&command->request)) imapd::check_sort(*box, *sort);
  if (const auto* thread = std::get_if<imap::Thread>(&command->request)) imapd::check_threads(*box, *thread);
  return 0;
}
