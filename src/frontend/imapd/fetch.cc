#include "frontend/imapd/fetch.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "frontend/imapd/body_structure_text.h"
#include "frontend/imapd/envelope_text.h"
#include "frontend/imapd/fetch_plan.h"
#include "frontend/imapd/fetch_structures.h"
#include "frontend/imapd/fetch_values.h"
#include "frontend/imapd/number_text.h"
#include "grammar/imap/writer.h"

namespace godwit::imapd {
namespace {

using imap::FetchItem;
using Kind = FetchItem::Kind;
using mailbox::Details;
using mailbox::MessageInfo;
using mailbox::UidRange;

constexpr std::size_t kInfos = 4'000;                   // rows of a mailbox read at once
constexpr std::size_t kEmails = 200;                    // emails, details read at once
constexpr std::size_t kFirstEmails = 20;                // so that a client sees something early
constexpr std::uint64_t kWeight = 1 << 20;              // details read at once: of messages with as many bytes ...
constexpr std::uint64_t kEnvelopeWeight = 64 * 1024;    // ... none counting for more than that: no envelope is larger
constexpr std::uint64_t kStructureWeight = 256 * 1024;  // no structure is larger than that of such a message of nothing but parts

// "* 5 FETCH (" item " " item ")" CRLF; nothing at all while there is no item.
class ResponseLine {
 public:
  ResponseLine(Output& out, std::uint32_t sequence) : out_(out), sequence_(sequence) {}

  // To append the item's value to.
  std::string& begin_item(std::string_view label) {
    std::string& out = out_.buffer();
    if (begun_) {
      out += ' ';
    } else {
      out += "* ";
      append_number(out, sequence_);
      out += " FETCH (";
      begun_ = true;
    }
    out += label;
    return out;
  }
  void end() {
    if (begun_) out_.buffer() += ")\r\n";
  }

 private:
  Output& out_;
  const std::uint32_t sequence_;
  bool begun_ = false;
};

struct Row {
  std::uint32_t sequence = 0;
  const MessageInfo* info = nullptr;
};

class Fetcher {
 public:
  Fetcher(Fetching fetching, FetchPlan plan, std::vector<Numbered> messages, std::optional<mailbox::Modseq> changed_since)
      : fetching_(std::move(fetching)), plan_(std::move(plan)), messages_(std::move(messages)), changed_since_(changed_since) {}
  Fetcher(const Fetcher&) = delete;

  Task<> run();
  FetchResult take_result() { return std::move(result_); }

 private:
  // What was read of one message beside its row.
  struct Read {
    const mailbox::Email* email = nullptr;
    const Details* details = nullptr;
    const Error* error = nullptr;  // why one of them is null
  };

  Output& out() { return fetching_.out; }
  ValueContext values() const { return {*fetching_.keywords, fetching_.recent, fetching_.dialect}; }
  std::vector<Row> rows_of(std::size_t begin, std::size_t end, const std::vector<MessageInfo>& infos);
  void append_plain(const Row& row);
  void append_implied(ResponseLine& line, const MessageInfo& info);
  Task<> send_structures();
  Task<> send_plain(const std::vector<Row>& rows);
  Task<> send_read(const std::vector<Row>& rows, bool more_follow);
  std::size_t next_some(const std::vector<Row>& rows, std::size_t begin) const;
  Task<> send_some(const std::vector<Row>& rows, std::size_t begin, std::size_t end);
  Task<bool> is_there(mailbox::Uid uid);
  Task<> send_one(Row row, Read read);
  Result<void> append_item(ResponseLine& line, const PlannedItem& planned, const MessageInfo& info, const Read& read);
  Task<Result<void>> send_bytes(ResponseLine& line, const PlannedItem& planned, const Read& read, std::optional<MessageReader>& reader);
  Task<Result<void>> send_stream(ResponseLine& line, const PlannedItem& planned, SectionStream& stream);
  Task<Result<Located>> find(const PlannedItem& planned, const Read& read, MessageReader& reader);
  void unreadable(mailbox::Uid uid, const Error& error);

  Fetching fetching_;
  const FetchPlan plan_;
  std::vector<Numbered> messages_;
  const std::optional<mailbox::Modseq> changed_since_;
  FetchResult result_;
  bool first_ = true;
};

Task<> Fetcher::run() {
  if (!changed_since_ && is_for_fetch_structures(plan_, messages_.size())) co_await send_structures();
  for (std::size_t begin = 0; begin < messages_.size() && !out().broken() && !result_.error;) {
    const std::size_t end = std::min(messages_.size(), begin + kInfos);
    auto ranges = ranges_of(messages_, begin, end);
    const auto infos = co_await fetching_.mailboxes.messages(fetching_.account, fetching_.mailbox, std::move(ranges));
    if (!infos) {
      result_.error = infos.error();
      co_return;
    }
    const bool known = std::ranges::all_of(*infos, [this](const MessageInfo& info) { return is_known(*fetching_.keywords, info); });
    if (!known && fetching_.fresh_keywords) fetching_.keywords = co_await fetching_.fresh_keywords();
    const auto rows = rows_of(begin, end, *infos);
    if (plan_.plain()) {
      co_await send_plain(rows);
    } else {
      co_await send_read(rows, end < messages_.size());
    }
    begin = end;
  }
}

// Leaves in messages_ what it could not do.
Task<> Fetcher::send_structures() {
  auto done = co_await fetch_structures(fetching_, plan_, messages_);
  if (!done) {
    result_.error = std::move(done).error();
    co_return;
  }
  result_.gone += done->gone;
  messages_ = std::move(done->left);
}

// Those that are there and wanted.
std::vector<Row> Fetcher::rows_of(std::size_t begin, std::size_t end, const std::vector<MessageInfo>& infos) {
  std::vector<Row> rows;
  rows.reserve(end - begin);
  auto info = infos.begin();
  for (std::size_t i = begin; i < end; ++i) {
    while (info != infos.end() && info->uid < messages_[i].uid) ++info;
    if (info == infos.end() || info->uid != messages_[i].uid) {
      ++result_.gone;
    } else if (!changed_since_ || info->modseq > *changed_since_) {
      rows.push_back({messages_[i].sequence, &*info});
      result_.highest = std::max(result_.highest, info->modseq);
    }
  }
  return rows;
}

// FLAGS that nobody asked for, where fetching has changed them.
void Fetcher::append_implied(ResponseLine& line, const MessageInfo& info) {
  if (plan_.flags || !std::ranges::binary_search(fetching_.newly_seen, info.uid)) return;
  append_value(line.begin_item("FLAGS "), Kind::flags, info, values());
  if (fetching_.with_modseq && !plan_.modseq) append_value(line.begin_item("MODSEQ "), Kind::modseq, info, values());
}

void Fetcher::append_plain(const Row& row) {
  ResponseLine line(out(), row.sequence);
  for (const auto& planned : plan_.items) append_value(line.begin_item(planned.label), planned.item.kind, *row.info, values());
  append_implied(line, *row.info);
  line.end();
}

Task<> Fetcher::send_plain(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    append_plain(row);
    if (!out().large()) continue;
    co_await out().flush();
    if (out().broken()) co_return;
  }
}

// How many to read at once.
std::size_t Fetcher::next_some(const std::vector<Row>& rows, std::size_t begin) const {
  const std::size_t limit = std::min(rows.size(), begin + (first_ ? kFirstEmails : kEmails));
  if (plan_.details == 0) return limit;
  const std::uint64_t most = (plan_.details & Details::kStructure) != 0 ? kStructureWeight : kEnvelopeWeight;
  std::uint64_t weight = 0;
  std::size_t end = begin;
  while (end < limit && weight < kWeight) weight += std::min(most, rows[end++].info->size);
  return end;
}

Task<> Fetcher::send_read(const std::vector<Row>& rows, bool more_follow) {
  for (std::size_t begin = 0; begin < rows.size() && !out().broken() && !result_.error;) {
    const std::size_t end = next_some(rows, begin);
    co_await send_some(rows, begin, end);
    const bool early = first_ && (more_follow || end < rows.size());
    if (early) co_await out().flush();
    first_ = false;
    begin = end;
  }
}

Task<> Fetcher::send_some(const std::vector<Row>& rows, std::size_t begin, std::size_t end) {
  std::vector<mailbox::EmailId> ids;
  for (std::size_t i = begin; i < end; ++i) ids.push_back(rows[i].info->email);
  std::vector<std::optional<mailbox::Email>> emails;
  std::vector<Result<Details>> details;
  if (plan_.emails) {
    auto read = co_await fetching_.mailboxes.emails(fetching_.account, ids);
    if (read) {
      emails = std::move(*read);
    } else {
      result_.error = std::move(read).error();
    }
  }
  if (plan_.details != 0 && !result_.error) {
    auto read = co_await fetching_.mailboxes.details(fetching_.account, std::move(ids), plan_.details);
    if (read) {
      details = std::move(*read);
    } else {
      result_.error = std::move(read).error();
    }
  }
  if (result_.error) co_return;
  const Error lost = Error::permanent(Error::Cause::not_found, "its record is lost");
  for (std::size_t i = begin; i < end && !out().broken(); ++i) {
    Read read;
    if (plan_.emails && emails[i - begin]) read.email = &*emails[i - begin];
    if (plan_.details != 0 && details[i - begin]) read.details = &*details[i - begin];
    if (plan_.details != 0 && !read.details) read.error = &details[i - begin].error();
    if (plan_.emails && !read.email) read.error = &lost;
    co_await send_one(rows[i], read);
  }
}

// The store has no such email, or not its bytes: has the message been expunged since its row was read, or are they lost?
Task<bool> Fetcher::is_there(mailbox::Uid uid) {
  std::vector<UidRange> range(1, UidRange{uid, uid});
  const auto infos = co_await fetching_.mailboxes.messages(fetching_.account, fetching_.mailbox, std::move(range));
  if (!infos) co_return infos.error().cause != Error::Cause::not_found;  // the mailbox may be gone too
  co_return !infos->empty();
}

void Fetcher::unreadable(mailbox::Uid uid, const Error& error) {
  ++result_.unreadable;
  log::warning("message_unreadable", {{"account", fetching_.account}, {"mailbox", fetching_.mailbox}, {"uid", uid}, {"error", error.text}});
}

Task<> Fetcher::send_one(Row row, Read read) {
  const MessageInfo& info = *row.info;
  if (read.error != nullptr && read.error->cause == Error::Cause::not_found) {
    const bool there = co_await is_there(info.uid);
    if (!there) {
      ++result_.gone;
      co_return;
    }
  }
  std::optional<MessageReader> reader;
  if (read.email != nullptr) reader.emplace(fetching_.blobs, *read.email);
  ResponseLine line(out(), row.sequence);
  std::optional<Error> trouble;
  for (const auto& planned : plan_.items) {
    Result<void> sent;
    if (planned.has_bytes) {
      sent = co_await send_bytes(line, planned, read, reader);
    } else {
      sent = append_item(line, planned, info, read);
    }
    if (!sent && !trouble) trouble = std::move(sent).error();
    if (out().broken()) break;
  }
  if (trouble) {
    const bool there = co_await is_there(info.uid);
    if (there)
      unreadable(info.uid, *trouble);
    else
      ++result_.gone;
  }
  if (out().broken()) co_return;
  append_implied(line, info);
  line.end();
  co_await out().flush_if_large();
}

// Items that need no bytes. An error: it was left out.
Result<void> Fetcher::append_item(ResponseLine& line, const PlannedItem& planned, const MessageInfo& info, const Read& read) {
  const Kind kind = planned.item.kind;
  const auto& dialect = fetching_.dialect;
  if (is_plain(kind)) {
    append_value(line.begin_item(planned.label), kind, info, values());
    return {};
  }
  if (kind == Kind::thread_id ? read.email == nullptr : read.details == nullptr) return fail(*read.error);
  std::string& text = line.begin_item(planned.label);
  switch (kind) {
    case Kind::envelope: append_envelope(text, read.details->envelope, dialect); break;
    case Kind::body_structure:
    case Kind::body_basic: append_body_structure(text, read.details->structure, 0, kind == Kind::body_structure, dialect); break;
    case Kind::preview: imap::append_string(text, read.details->preview, dialect); break;
    case Kind::thread_id:  // RFC 8474 5.2; other than an EMAILID, whatever the number
      text += "(T";
      append_number(text, read.email->thread != 0 ? read.email->thread : info.email);
      text += ')';
      break;
    default: break;
  }
  return {};
}

Task<Result<Located>> Fetcher::find(const PlannedItem& planned, const Read& read, MessageReader& reader) {
  const auto& dialect = fetching_.dialect;
  if (planned.needs == SectionNeeds::structure) co_return locate(planned.item, read.details->structure, dialect);
  std::uint64_t header_end = 0;
  if (planned.needs == SectionNeeds::header_end) {
    GODWIT_CO_ASSIGN(header_end, co_await reader.header_end());
  }
  co_return locate(planned.item, plain_structure(header_end, reader.size()), dialect);
}

// An error: the item was left out, or, with the output given up, broken off.
Task<Result<void>> Fetcher::send_bytes(ResponseLine& line, const PlannedItem& planned, const Read& read,
                                       std::optional<MessageReader>& reader) {
  if (!reader || (planned.needs == SectionNeeds::structure && read.details == nullptr)) co_return fail(*read.error);
  GODWIT_CO_ASSIGN(const Located located, co_await find(planned, read, *reader));
  switch (located.form) {
    case Located::Form::missing: line.begin_item(planned.label) += planned.item.kind == Kind::binary_size ? "0" : "NIL"; break;
    case Located::Form::unknown_encoding: result_.unknown_encoding = true; break;
    case Located::Form::composite: result_.composite = true; break;
    case Located::Form::raw:
    case Located::Form::fields:
    case Located::Form::decoded: {
      SectionStream stream(*reader, located, planned.item, fetching_.decoding);
      co_return co_await send_stream(line, planned, stream);
    }
  }
  co_return Result<void>();
}

Task<Result<void>> Fetcher::send_stream(ResponseLine& line, const PlannedItem& planned, SectionStream& stream) {
  GODWIT_CO_TRY(co_await stream.prepare());  // nothing is promised yet
  std::string& text = line.begin_item(planned.label);
  if (planned.item.kind == Kind::binary_size) {
    append_number(text, stream.size());
    co_return Result<void>();
  }
  if (stream.size() == 0) {
    text += "\"\"";
    co_return Result<void>();
  }
  imap::append_literal_head(text, stream.size(), stream.has_nul());
  while (stream.left() > 0 && !out().broken()) {
    auto appended = co_await stream.append_next(out().buffer());
    if (!appended) {
      out().give_up();
      co_return appended;
    }
    co_await out().flush_if_large();
  }
  co_return Result<void>();
}

}  // namespace

bool needs_seen(const std::vector<FetchItem>& items) { return std::ranges::any_of(items, &FetchItem::sets_seen); }

Task<Result<std::vector<mailbox::Uid>>> not_seen(mailbox::Mailboxes& mailboxes, directory::AccountId account,
                                                 mailbox::MailboxNumber mailbox, std::vector<Numbered> messages,
                                                 std::optional<mailbox::Modseq> changed_since) {
  std::vector<mailbox::Uid> out;
  for (std::size_t begin = 0; begin < messages.size(); begin += kInfos) {
    auto ranges = ranges_of(messages, begin, std::min(messages.size(), begin + kInfos));
    GODWIT_CO_ASSIGN(const auto infos, co_await mailboxes.messages(account, mailbox, std::move(ranges)));
    for (const auto& info : infos) {
      const bool shown = !changed_since || info.modseq > *changed_since;
      if (shown && (info.flags & mailbox::kSeen) == 0) out.push_back(info.uid);
    }
  }
  co_return out;
}

Task<FetchResult> fetch(Fetching fetching, std::vector<FetchItem> items, bool with_uid, std::vector<Numbered> messages,
                        std::optional<mailbox::Modseq> changed_since) {
  const FetchExtras extras{.uid = with_uid, .modseq = changed_since.has_value(), .modseq_with_flags = fetching.with_modseq};
  FetchPlan plan = make_fetch_plan(std::move(items), extras, fetching.dialect);
  Fetcher fetcher(std::move(fetching), std::move(plan), std::move(messages), changed_since);
  co_await fetcher.run();
  co_return fetcher.take_result();
}

}  // namespace godwit::imapd
