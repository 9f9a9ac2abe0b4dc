#include "frontend/imapd/search.h"

#include <algorithm>
#include <optional>
#include <span>

#include "frontend/imapd/heading_walk.h"
#include "frontend/imapd/message_text.h"
#include "frontend/imapd/message_walk.h"
#include "frontend/imapd/search_plan.h"
#include "frontend/imapd/search_terms.h"

namespace godwit::imapd {
namespace {

using mailbox::MessageInfo;
using mailbox::Uid;
using mailbox::UidRange;

constexpr std::size_t kEmailsAtOnce = 64;  // records, with prefixes of up to 48 KiB

constexpr std::size_t kRowTests = 200'000;  // terms held against rows before others have their turn
constexpr std::size_t kTextWork = 64;       // looking for a needle in the text of an envelope, in bytes of text

// A message that its row has not decided.
struct Candidate {
  const MessageInfo* info = nullptr;
  std::vector<Verdict> verdicts;  // by term; of those that look at more than the row
  Verdict verdict = Verdict::unknown;
};

class Search {
 public:
  Search(Searching& searching, const SearchPlan& plan)
      : searching_(searching), plan_(plan), pace_(searching.stop), headings_(searching, true) {
    found_.used_modseq = plan.used_modseq();
  }

  Task<Result<Found>> run() {
    UidChunks chunks(plan_.scope(searching_.view));
    const auto rows = static_cast<std::uint32_t>(std::max<std::size_t>(1, kRowTests / (plan_.terms().size() + 1)));
    const std::uint32_t most = std::min(kRowsAtOnce, rows);
    for (auto uids = chunks.next(most); !uids.empty(); uids = chunks.next(most)) {
      // RFC 9051 7.5.1 lets a search know messages that are gone while the client has not heard of it
      if (plan_.need() == Need::uid && !found_.used_modseq)
        take_all(uids);
      else if (plan_.only_headings() && !found_.used_modseq)
        GODWIT_CO_TRY(co_await search_headings(std::move(uids)));
      else
        GODWIT_CO_TRY(co_await search_rows(std::move(uids)));
      if (searching_.first_alone && !found_.uids.empty()) break;
      GODWIT_CO_TRY(co_await pace_.rest());
    }
    co_return std::move(found_);
  }

 private:
  void take_all(const std::vector<UidRange>& uids) {
    MessageInfo info;
    for (const auto& range : uids) {
      for (std::uint64_t uid = range.first; uid <= range.last; ++uid) {
        info.uid = static_cast<Uid>(uid);
        if (judge(info, {}) == Verdict::yes) take(info);
      }
    }
  }

  void take(const MessageInfo& info) {
    if (searching_.first_alone && !found_.uids.empty()) return;
    found_.uids.push_back(info.uid);
    if (!found_.used_modseq) return;
    found_.modseqs.push_back(info.modseq);
    found_.highest_modseq = std::max(found_.highest_modseq, info.modseq);
  }

  Verdict ask(const MessageInfo& info, const std::vector<Verdict>& verdicts, std::size_t term) const {
    const Term& asked = plan_.terms()[term];
    if (asked.need <= Need::info) return test_row(asked, info) ? Verdict::yes : Verdict::no;
    return verdicts.empty() ? Verdict::unknown : verdicts[term];
  }
  Verdict judge(const MessageInfo& info, const std::vector<Verdict>& verdicts) const {
    return plan_.judge([&](std::size_t term) { return ask(info, verdicts, term); });
  }
  void judge_again(Candidate& candidate) const { candidate.verdict = judge(*candidate.info, candidate.verdicts); }
  std::vector<std::size_t> open_terms(const Candidate& candidate) const {
    return plan_.open_terms([&](std::size_t term) { return ask(*candidate.info, candidate.verdicts, term); });
  }
  bool has_open(const Candidate& candidate, Need need) const {
    if (candidate.verdict != Verdict::unknown) return false;
    return std::ranges::any_of(open_terms(candidate), [&](std::size_t term) { return plan_.terms()[term].need == need; });
  }

  Task<Result<void>> search_rows(std::vector<UidRange> uids) {
    GODWIT_CO_ASSIGN(const auto infos, co_await searching_.mailboxes.messages(searching_.account, searching_.mailbox, std::move(uids)));
    std::vector<Candidate> candidates;
    for (const auto& info : infos) {
      const Verdict verdict = judge(info, {});
      if (verdict == Verdict::no) continue;
      candidates.push_back({&info, {}, verdict});
      if (verdict == Verdict::unknown) candidates.back().verdicts.assign(plan_.terms().size(), Verdict::unknown);
    }
    if (plan_.need() >= Need::email) GODWIT_CO_TRY(co_await look_closer(candidates));
    for (const auto& candidate : candidates) {
      if (candidate.verdict == Verdict::yes) take(*candidate.info);
    }
    co_return Result<void>{};
  }

  Task<Result<void>> search_headings(std::vector<UidRange> uids) {
    MessageInfo info;
    Candidate candidate{&info, {}, Verdict::unknown};
    const auto look = [&](Uid uid, const Heading& heading, const mailbox::Details* whole) {
      info.uid = uid;
      candidate.verdicts.assign(plan_.terms().size(), Verdict::unknown);
      hold_against(candidate, heading, whole);
      if (candidate.verdict == Verdict::yes) take(info);
    };
    co_return co_await headings_.run(std::move(uids), look);
  }

  // Of a message that cannot be read nothing is known.
  void hold_against(Candidate& candidate, const Heading& heading, const mailbox::Details* whole) const {
    if (heading.readable && (!heading.cut || whole != nullptr))
      decide(candidate, Need::envelope, [&](const Term& term) { return test_heading(term, heading, whole); });
    else if (judge(*candidate.info, {}) == Verdict::unknown)
      candidate.verdict = Verdict::no;
    else
      judge_again(candidate);
  }

  Task<Result<void>> look_closer(std::vector<Candidate>& candidates) {
    auto open = those_with(candidates, Need::email);
    if (!open.empty()) GODWIT_CO_TRY(co_await look_at_emails(std::move(open)));
    open = those_with(candidates, Need::envelope);
    if (!open.empty() && plan_.headings_do())
      GODWIT_CO_TRY(co_await look_at_headings(std::move(open)));
    else if (!open.empty())
      GODWIT_CO_TRY(co_await look_at_envelopes(std::move(open)));
    open.clear();
    for (auto& candidate : candidates) {
      if (candidate.verdict == Verdict::unknown) open.push_back(&candidate);
    }
    if (!open.empty()) GODWIT_CO_TRY(co_await look_at_bytes(std::move(open)));
    co_return Result<void>{};
  }

  std::vector<Candidate*> those_with(std::vector<Candidate>& candidates, Need need) const {
    std::vector<Candidate*> out;
    if (!plan_.needs(need)) return out;
    for (auto& candidate : candidates) {
      if (has_open(candidate, need)) out.push_back(&candidate);
    }
    return out;
  }

  template <class Test>
  void decide(Candidate& candidate, Need need, const Test& test) const {
    const auto lazily = [&](std::size_t term) {
      Verdict verdict = ask(*candidate.info, candidate.verdicts, term);
      if (verdict == Verdict::unknown && plan_.terms()[term].need == need) {
        verdict = test(plan_.terms()[term]) ? Verdict::yes : Verdict::no;
        candidate.verdicts[term] = verdict;
      }
      return verdict;
    };
    candidate.verdict = plan_.judge(lazily);
  }

  static std::vector<mailbox::EmailId> ids_of(std::span<Candidate* const> batch) {
    std::vector<mailbox::EmailId> ids;
    ids.reserve(batch.size());
    for (const auto* each : batch) ids.push_back(each->info->email);
    return ids;
  }
  Task<Result<std::vector<std::optional<mailbox::Email>>>> emails(std::span<Candidate* const> batch) {
    return searching_.mailboxes.emails(searching_.account, ids_of(batch));
  }

  Task<Result<void>> look_at_emails(std::vector<Candidate*> open) {
    for (std::size_t at = 0; at < open.size(); at += kEmailsAtOnce) {
      const auto batch = std::span(open).subspan(at, std::min(kEmailsAtOnce, open.size() - at));
      GODWIT_CO_ASSIGN(const auto rows, co_await emails(batch));
      for (std::size_t i = 0; i < batch.size(); ++i) {
        if (!rows[i]) {
          batch[i]->verdict = Verdict::no;
          continue;
        }
        // a thread is called by its first email; 0: by this one
        const std::uint64_t thread = rows[i]->thread != 0 ? rows[i]->thread : batch[i]->info->email;
        decide(*batch[i], Need::email, [&](const Term& term) { return term.in_range(static_cast<std::int64_t>(thread)); });
      }
      GODWIT_CO_TRY(co_await pace_.rest());
    }
    co_return Result<void>{};
  }

  Task<Result<void>> look_at_headings(std::vector<Candidate*> open) {
    std::vector<Uid> uids;
    for (const auto* each : open) uids.push_back(each->info->uid);
    auto next = open.begin();
    const auto look = [&](Uid uid, const Heading& heading, const mailbox::Details* whole) {
      while ((*next)->info->uid < uid) (*next++)->verdict = Verdict::no;  // it has gone
      hold_against(**next++, heading, whole);
    };
    auto ranges = ranges_of(uids);
    GODWIT_CO_TRY(co_await headings_.run(std::move(ranges), look));
    for (; next != open.end(); ++next) (*next)->verdict = Verdict::no;
    co_return Result<void>{};
  }

  Task<Result<void>> look_at_envelopes(std::vector<Candidate*> all) {
    const std::uint8_t want = mailbox::Details::kEnvelope;
    for (std::span<Candidate* const> open = all; !open.empty();) {
      DetailsBatch room(want);
      std::size_t count = 0;
      while (count < open.size() && room.add(open[count]->info->size)) ++count;
      const auto batch = open.first(count);
      open = open.subspan(count);
      auto ids = ids_of(batch);
      GODWIT_CO_ASSIGN(const auto details, co_await searching_.mailboxes.details(searching_.account, std::move(ids), want));
      for (std::size_t i = 0; i < batch.size(); ++i) {
        if (!details[i]) {
          batch[i]->verdict = Verdict::no;
          continue;
        }
        EnvelopeTexts texts(details[i]->envelope);
        decide(*batch[i], Need::envelope, [&](const Term& term) { return texts.test(term); });
        pace_.did(plan_.terms().size() * kTextWork);
        if (pace_.tired()) GODWIT_CO_TRY(co_await pace_.rest());
      }
      GODWIT_CO_TRY(co_await pace_.rest());
    }
    co_return Result<void>{};
  }

  Task<Result<void>> look_at_bytes(std::vector<Candidate*> all) {
    for (std::span<Candidate* const> open = all; !open.empty();) {
      DetailsBatch room(mailbox::Details::kStructure);
      std::size_t count = 0;
      while (count < open.size() && room.add(open[count]->info->size)) ++count;
      GODWIT_CO_TRY(co_await read_messages(open.first(count)));
      open = open.subspan(count);
    }
    co_return Result<void>{};
  }

  Task<Result<void>> read_messages(std::span<Candidate* const> batch) {
    GODWIT_CO_ASSIGN(const auto rows, co_await emails(batch));
    std::vector<Result<mailbox::Details>> details;
    if (plan_.needs(Need::body)) {
      auto ids = ids_of(batch);
      GODWIT_CO_ASSIGN(details, co_await searching_.mailboxes.details(searching_.account, std::move(ids), mailbox::Details::kStructure));
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Candidate& candidate = *batch[i];
      const bool there = rows[i] && (details.empty() || details[i]);
      Result<void> read = fail(Error::permanent(Error::Cause::corrupt, "the message cannot be read"));
      if (there) read = co_await read_message(candidate, *rows[i], details.empty() ? nullptr : &details[i]->structure);
      if (!read && read.error().cause == Error::Cause::cancelled) co_return fail(std::move(read.error()));
      if (!read) candidate.verdict = Verdict::no;
    }
    co_return Result<void>{};
  }

  // `structure` is there if any term asks for the body.
  Task<Result<void>> read_message(Candidate& candidate, const mailbox::Email& email, const message::Structure* structure) {
    const auto undecided = [&] {
      judge_again(candidate);
      return candidate.verdict == Verdict::unknown;
    };
    TermHunt hunt(plan_.terms(), open_terms(candidate), candidate.verdicts, undecided);
    MessageText text(searching_.blobs, email, pace_);
    if (hunt.wants_header()) {
      GODWIT_CO_TRY(co_await text.read_header(0, text.size(), hunt));
      hunt.end_header();
      if (!undecided()) co_return Result<void>{};
    }
    GODWIT_CHECK(structure != nullptr);
    for (const auto& part : structure->parts) {
      // RFC 9051 6.4.4: TEXT knows MIME header fields too; BODY knows none, so not those of messages in the message either
      if (hunt.wants_fields()) GODWIT_CO_TRY(co_await text.read_header(part.header_begin, part.body_begin, hunt));
      if (candidate.verdict != Verdict::unknown) break;
      if (is_text(part)) GODWIT_CO_TRY(co_await text.read_part(part, hunt));
      if (candidate.verdict != Verdict::unknown) break;
    }
    hunt.end_message();
    ignore(undecided(), "nothing is left to look at");
    if (pace_.tired()) GODWIT_CO_TRY(co_await pace_.rest());
    co_return Result<void>{};
  }

  Searching& searching_;
  const SearchPlan& plan_;
  SearchPace pace_;
  HeadingWalk headings_;
  Found found_;
};

}  // namespace

Task<Result<Found>> search(Searching searching, imap::SearchKey key, std::string charset) {
  const SearchPlan::Known known{searching.view, *searching.keywords, searching.recent, searching.now, searching.saved};
  GODWIT_CO_ASSIGN(const SearchPlan plan, SearchPlan::make(key, charset, known));
  Search run(searching, plan);
  co_return co_await run.run();
}

}  // namespace godwit::imapd
