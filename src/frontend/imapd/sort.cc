#include "frontend/imapd/sort.h"

#include <algorithm>

#include "frontend/imapd/heading_walk.h"
#include "frontend/imapd/message_walk.h"
#include "frontend/imapd/sent_date.h"
#include "grammar/message/base_subject.h"
#include "grammar/message/casemap.h"
#include "grammar/message/display_name.h"

namespace godwit::imapd {
namespace {

using Key = imap::SortCriterion::Key;
using Addresses = std::vector<message::EnvelopeAddress>;

bool is_number(Key key) { return key == Key::arrival || key == Key::date || key == Key::size; }
bool is_of_row(Key key) { return key == Key::arrival || key == Key::size; }
bool is_of_heading(Key key) { return is_of_row(key) || key == Key::date || key == Key::subject; }

// A number so that less is less for bytes too.
std::uint64_t ordered(std::int64_t number) { return static_cast<std::uint64_t>(number) ^ 1ull << 63; }

// RFC 5256 3: addr-mailbox of the first address
std::string mailbox_of(const Addresses& addresses) { return addresses.empty() ? std::string() : addresses.front().mailbox; }

std::string text_of(Key key, const message::Envelope& envelope) {
  switch (key) {
    case Key::cc: return mailbox_of(envelope.cc);
    case Key::from: return mailbox_of(envelope.from);
    case Key::to: return mailbox_of(envelope.to);
    case Key::display_from: return message::display_name(envelope.from);
    case Key::display_to: return message::display_name(envelope.to);
    case Key::subject: return envelope.subject ? message::base_subject(*envelope.subject).text : std::string();
    default: return {};
  }
}

// What one criterion says of all messages, in the order of the mailbox.
class Column {
 public:
  explicit Column(imap::SortCriterion criterion) : criterion_(criterion) {}

  void add(const mailbox::MessageInfo& info, const mailbox::Details* details) {
    switch (criterion_.key) {
      case Key::arrival: numbers_.push_back(ordered(info.received.time_since_epoch().count())); return;
      case Key::size: numbers_.push_back(info.size); return;
      case Key::date: numbers_.push_back(ordered(sent_date(info, details).time_since_epoch().count())); return;
      default: break;
    }
    add_text(details ? message::casemap(text_of(criterion_.key, details->envelope)) : std::string());
  }
  void add(const Heading& heading) {
    switch (criterion_.key) {
      case Key::arrival: numbers_.push_back(ordered(heading.received)); return;
      case Key::size: numbers_.push_back(heading.size); return;
      case Key::date: numbers_.push_back(ordered(heading.sent)); return;
      default: add_text(heading.base_subject);
    }
  }
  void finish() {
    if (!is_number(criterion_.key)) numbers_.push_back(texts_.size());
  }

  // Decides most comparisons: less here means that it goes before, equal means nothing.
  std::uint64_t head(std::size_t row) const {
    std::uint64_t head = 0;
    if (is_number(criterion_.key)) {
      head = numbers_[row];
    } else {
      const std::string_view text = text_at(row);
      for (std::size_t i = 0; i < 8; ++i) head = head << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0u);
    }
    return criterion_.reverse ? ~head : head;
  }
  int compare(std::size_t a, std::size_t b) const {
    int order = 0;
    if (is_number(criterion_.key))
      order = numbers_[a] < numbers_[b] ? -1 : numbers_[a] > numbers_[b] ? 1 : 0;
    else
      order = text_at(a).compare(text_at(b));
    return criterion_.reverse ? -order : order;
  }

 private:
  void add_text(std::string_view text) {
    numbers_.push_back(texts_.size());
    texts_ += text.substr(0, kMaxSortText);
  }
  std::string_view text_at(std::size_t row) const {
    return std::string_view(texts_).substr(numbers_[row], numbers_[row + 1] - numbers_[row]);
  }

  imap::SortCriterion criterion_;
  std::vector<std::uint64_t> numbers_;  // or where in texts_ a text begins
  std::string texts_;
};

struct Row {
  std::uint64_t head = 0;
  std::uint32_t index = 0;
};

std::vector<Row> in_order(const std::vector<Column>& columns, std::size_t count) {
  std::vector<Row> rows(count);
  for (std::size_t i = 0; i < count; ++i) rows[i] = {columns.front().head(i), static_cast<std::uint32_t>(i)};
  std::ranges::sort(rows, {}, &Row::head);
  const auto goes_before = [&](const Row& a, const Row& b) {
    for (const Column& column : columns) {
      const int order = column.compare(a.index, b.index);
      if (order != 0) return order < 0;
    }
    return a.index < b.index;
  };
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = std::find_if(begin + 1, rows.end(), [&](const Row& row) { return row.head != begin->head; });
    std::sort(begin, end, goes_before);
    begin = end;
  }
  return rows;
}

// A criterion that stood before says nothing new.
std::vector<Column> columns_of(const std::vector<imap::SortCriterion>& criteria) {
  std::vector<Column> columns;
  std::vector<Key> had;
  for (const auto& criterion : criteria) {
    if (std::ranges::find(had, criterion.key) != had.end()) continue;
    had.push_back(criterion.key);
    columns.emplace_back(criterion);
  }
  return columns;
}

}  // namespace

Task<Result<std::vector<mailbox::Uid>>> sort(Searching searching, std::vector<imap::SortCriterion> criteria,
                                             std::vector<mailbox::Uid> uids) {
  GODWIT_CHECK(!criteria.empty());
  const bool of_rows = std::ranges::all_of(criteria, is_of_row, &imap::SortCriterion::key);
  const bool of_headings = std::ranges::all_of(criteria, is_of_heading, &imap::SortCriterion::key);
  std::vector<Column> columns = columns_of(criteria);
  std::vector<mailbox::Uid> there;
  there.reserve(uids.size());
  if (of_headings && !of_rows) {
    HeadingWalk walk(searching, false);
    const auto take = [&](mailbox::Uid uid, const Heading& heading, const mailbox::Details* /*whole*/) {
      there.push_back(uid);
      for (Column& column : columns) column.add(heading);
    };
    auto ranges = ranges_of(uids);
    GODWIT_CO_TRY(co_await walk.run(std::move(ranges), take));
  } else {
    const auto take = [&](const mailbox::MessageInfo& info, const mailbox::Details* details) {
      there.push_back(info.uid);
      for (Column& column : columns) column.add(info, details);
    };
    const std::uint8_t want = of_rows ? 0 : mailbox::Details::kEnvelope;
    GODWIT_CO_TRY(co_await walk_messages(searching, uids, want, take));
  }
  for (Column& column : columns) column.finish();
  const std::vector<Row> rows = in_order(columns, there.size());
  for (std::size_t i = 0; i < rows.size(); ++i) uids[i] = there[rows[i].index];
  uids.resize(rows.size());
  co_return uids;
}

}  // namespace godwit::imapd
