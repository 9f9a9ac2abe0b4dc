#include "state/mailbox/details.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "grammar/message/preview.h"
#include "grammar/message/references.h"
#include "state/mailbox/details_maker.h"
#include "state/mailbox/mailbox_impl.h"
#include "state/mailbox/message_bytes.h"

namespace godwit::mailbox {

using store::Keyspace;

namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kMaxWrite = 512 * 1024;  // of a batch of new rows
constexpr EmailId kMaxGap = 8;                 // rows that a scan rather passes over than ends

// Reads parts of a message, the beginning of which is at hand already.
class MessageReader {
 public:
  MessageReader(store::Blobs& blobs, const Email& email) : blobs_(blobs), email_(email) {}

  Task<Result<message::Structure>> parse() {
    message::MimeParser parser;
    for (std::uint64_t at = 0; at < email_.size(); at += kPiece) {
      GODWIT_CO_ASSIGN(std::string piece, co_await read_bytes(blobs_, email_, at, kPiece));
      parser.feed(piece);
      if (at == 0) first_ = std::move(piece);
    }
    co_return parser.finish();
  }

  // From `begin` on `length` bytes; fewer, but at least `enough`, if that saves a second look at the disk.
  Task<Result<std::string>> read(std::uint64_t begin, std::uint64_t length, std::uint64_t enough) {
    if (begin + std::min(length, enough) <= first_.size()) co_return first_.substr(begin, length);
    GODWIT_CO_ASSIGN(std::string bytes, co_await read_bytes(blobs_, email_, begin, length));
    co_return bytes;
  }

 private:
  store::Blobs& blobs_;
  const Email& email_;
  std::string first_;
};

Task<Result<Details>> make_details(store::Blobs& blobs, const Email& email) {
  MessageReader reader(blobs, email);
  Details out;
  GODWIT_CO_ASSIGN(out.structure, co_await reader.parse());
  out.envelope = take_root_envelope(out.structure);
  const auto header_size = std::min<std::uint64_t>(out.structure.parts[0].body_begin, message::FieldCollector::kMaxHeaderBytes);
  GODWIT_CO_ASSIGN(const std::string header, co_await reader.read(0, header_size, header_size));
  out.references = message::find_references(header);
  for (const auto index : message::preview_parts(out.structure)) {
    const auto& part = out.structure.parts[index];
    const auto length = std::min<std::uint64_t>(part.body_size(), message::kMaxPreviewBytes);
    GODWIT_CO_ASSIGN(const std::string bytes, co_await reader.read(part.body_begin, length, kEnoughForPreview));
    out.preview = message::make_preview(part, bytes);
    if (!out.preview.empty()) break;
  }
  co_return out;
}

// What was not asked for is not there, as if it came from a row.
void leave_out(Details& details, std::uint8_t want) {
  if ((want & Details::kEnvelope) == 0) {
    auto all = std::exchange(details.envelope, {});
    if ((want & Details::kHeading) != 0) {
      details.envelope.date = std::move(all.date);
      details.envelope.subject = std::move(all.subject);
      details.envelope.message_id = std::move(all.message_id);
    }
  }
  if ((want & Details::kStructure) == 0) details.structure = {};
  if ((want & Details::kPreview) == 0) details.preview.clear();
  if ((want & Details::kReferences) == 0) details.references.clear();
}

// The rows of the emails (ascending, each once) that are there, under the keys that `key` makes: where ids are close together by scanning.
using TakeRow = std::function<void(EmailId id, store::Row& row)>;
Task<Result<void>> read_rows(store::View& view, std::string (*key)(EmailId), const std::vector<EmailId>& ids, TakeRow take) {
  for (std::size_t begin = 0, end = 0; begin < ids.size(); begin = end) {
    end = begin + 1;
    while (end < ids.size() && ids[end] - ids[end - 1] <= kMaxGap) ++end;
    if (end - begin == 1) {
      GODWIT_CO_ASSIGN(auto row, co_await view.get(Keyspace::mailbox, key(ids[begin])));
      if (row) take(ids[begin], *row);
      continue;
    }
    std::size_t next = begin;
    const std::string to = key(ids[end - 1] + 1);
    for (std::optional<std::string> from = key(ids[begin]); from;) {
      GODWIT_CO_ASSIGN(auto page, co_await view.scan(Keyspace::mailbox, *from, to));
      for (auto& row : page.rows) {
        GODWIT_CO_ASSIGN(const auto id, parse_number_key(row.key));
        while (next < end && ids[next] < id) ++next;
        if (next < end && ids[next] == id) take(id, row);
      }
      from = std::move(page.next);
    }
  }
  co_return Result<void>();
}

// An email whose details have to be worked out.
struct Unknown {
  EmailId id = 0;
  Result<EmailRow> row;
  store::RowVersion version = 0;
};

// Keeps new rows for the next time, as long as their emails are there. A write that fails costs nothing but that time.
class RowKeeper {
 public:
  RowKeeper(store::Engine& engine, store::Partition partition) : engine_(engine), partition_(partition) { reset(); }

  Task<> keep(const Unknown& email, const Details& details) {
    // no part takes fewer bytes than that
    if (details.structure.parts.size() > kMaxKept / 8) co_return;
    std::string row = encode_details(details);
    if (row.size() > kMaxKept) co_return;
    batch_.require(Keyspace::mailbox, email_key(email.id), email.version);
    batch_.put(Keyspace::mailbox, details_key(email.id), std::move(row));
    if (batch_.bytes() + kMaxKept > kMaxWrite) co_await flush();
  }

  Task<> flush() {
    if (batch_.empty()) co_return;
    store::Batch batch = std::move(batch_);
    reset();
    ignore(co_await engine_.write(partition_, std::move(batch)), "they are worked out again");
  }

 private:
  void reset() {
    batch_ = {};
    batch_.durability = store::Batch::Durability::lazy;
    batch_.refuse_when_full = true;
  }

  store::Engine& engine_;
  store::Partition partition_;
  store::Batch batch_;
};

// Answers one call: what stands in rows, then the rest.
class DetailsCall {
 public:
  DetailsCall(std::vector<EmailId> ids, std::uint8_t want) : ids_(std::move(ids)), want_(want), out_(ids_.size(), open()) {
    for (std::size_t i = 0; i < ids_.size(); ++i) places_.emplace_back(ids_[i], i);
    std::ranges::sort(places_);
  }

  Task<Result<void>> read(store::View& view) {
    std::vector<EmailId> missing = unique();
    std::vector<EmailId> found;
    const TakeRow take_details = [&](EmailId id, store::Row& row) {
      auto details = decode_details(row.value, want_);
      if (!details) return;  // worked out anew
      answer(id, std::move(details));
      found.push_back(id);
    };
    GODWIT_CO_TRY(co_await read_rows(view, details_key, missing, take_details));
    std::erase_if(missing, [&](EmailId id) { return std::ranges::binary_search(found, id); });
    const TakeRow take_email = [&](EmailId id, store::Row& row) { unknown_.push_back({id, decode_email(row.value), row.version}); };
    GODWIT_CO_TRY(co_await read_rows(view, email_key, missing, take_email));
    co_return Result<void>();
  }

  Task<> work_out(store::Blobs& blobs, RowKeeper& keeper) {
    for (const auto& each : unknown_) {
      if (!each.row) {
        answer(each.id, fail(each.row.error()));
        continue;
      }
      auto details = co_await make_details(blobs, each.row->email);
      if (details) {
        co_await keeper.keep(each, *details);
        leave_out(*details, want_);
      }
      answer(each.id, std::move(details));
    }
    co_await keeper.flush();
  }

  std::vector<Result<Details>> take() {
    for (auto& each : out_) {
      if (!each && each.error().text.empty()) each = gone();
    }
    return std::move(out_);
  }

 private:
  // Not answered yet. It has no text: most are answered, and making one for each would be in vain.
  static Result<Details> open() { return fail(Error::permanent(Error::Cause::not_found, {})); }
  static Result<Details> gone() { return fail(Error::permanent(Error::Cause::not_found, "there is no such message any more")); }

  std::vector<EmailId> unique() const {
    std::vector<EmailId> out;
    for (const auto& [id, place] : places_) {
      if (out.empty() || out.back() != id) out.push_back(id);
    }
    return out;
  }

  void answer(EmailId id, Result<Details> details) {
    auto places = std::ranges::equal_range(places_, id, {}, &std::pair<EmailId, std::size_t>::first);
    for (std::size_t i = 0; i + 1 < places.size(); ++i) out_[places[i].second] = details;
    if (!places.empty()) out_[places.back().second] = std::move(details);
  }

  std::vector<EmailId> ids_;
  std::uint8_t want_;
  std::vector<std::pair<EmailId, std::size_t>> places_;  // by id: where in ids_
  std::vector<Unknown> unknown_;
  std::vector<Result<Details>> out_;
};

}  // namespace

Task<Result<std::vector<Result<Details>>>> Mailboxes::details(directory::AccountId account, std::vector<EmailId> ids, std::uint8_t want) {
  DetailsCall call(std::move(ids), want);
  const auto partition = directory::partition_of(account);
  {
    auto view = impl_->engine.read(partition);
    GODWIT_CO_ASSIGN(const bool removed, co_await is_removed(*view));
    if (removed) co_return fail(account_gone());
    GODWIT_CO_TRY(co_await call.read(*view));
  }
  RowKeeper keeper(impl_->engine, partition);
  co_await call.work_out(impl_->blobs, keeper);
  co_return call.take();
}

}  // namespace godwit::mailbox
