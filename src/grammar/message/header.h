#pragma once
// What intake must know of a message's header (RFC 5322 2.1, 3.6), found while the message streams by.
//
// Memory is bounded whatever the message holds: counts for everything, values only of the few fields named here, each cut at
// kMaxAddresses or kMaxText. Tolerant: lines before or among the fields that are none (an mbox "From " line, garbage) are counted and
// skipped; the header ends at the first empty line. Owned by one transaction; the pieces may be cut anywhere.

#include <cstdint>
#include <string>
#include <string_view>

namespace godwit::message {

struct HeaderSummary {
  std::uint32_t fields = 0;
  std::uint32_t garbage_lines = 0;  // neither a field nor a continuation of one
  std::uint32_t received = 0;       // RFC 5321 6.3: hops, for loop detection
  std::uint32_t delivered_to = 0;
  std::uint32_t date = 0;  // how many there are
  std::uint32_t from = 0;
  std::uint32_t sender = 0;
  std::uint32_t message_id = 0;
  std::uint32_t resent = 0;  // any Resent-*
  bool mime_version = false;
  bool eight_bit = false;  // bytes over 127 in the header: internationalised, RFC 6532
  bool value_cut = false;  // From, Sender or Resent-From was longer than kMaxAddresses: do not trust the value

  // The first of each, unfolded (line ends taken out), outer white space cut off, encoded words as they are.
  std::string from_value;
  std::string sender_value;
  std::string date_value;
  std::string message_id_value;  // "<...>" as it came
  std::string resent_from_value;
  std::string subject_value;

  std::uint64_t size = 0;  // bytes of the header, without the empty line that ends it
  bool complete = false;   // the empty line was seen
};

class HeaderScanner {
 public:
  HeaderScanner() = default;
  HeaderScanner(const HeaderScanner&) = delete;  // it points into itself
  HeaderScanner& operator=(const HeaderScanner&) = delete;

  static constexpr std::size_t kMaxAddresses = 32 * 1024;  // of From, Sender, Resent-From each
  static constexpr std::size_t kMaxText = 1'000;           // of Date, Message-ID, Subject each
  static constexpr std::size_t kMaxName = 77;              // longer names are nobody's that we look for

  // Bytes of the message in order. Cheap once done().
  void feed(std::string_view bytes);
  // The message is over. A header that no empty line ended has its size then; `complete` stays false.
  void finish();

  bool done() const { return done_; }
  const HeaderSummary& summary() const { return summary_; }

 private:
  enum class State : std::uint8_t { line_begin, line_begin_cr, name, name_space, value, garbage };

  std::size_t step(std::string_view bytes);
  std::size_t take_line_begin(char c);
  std::size_t take_name(std::string_view bytes);
  std::size_t take_name_space(std::string_view bytes);
  std::size_t take_value(std::string_view bytes);
  void begin_field();
  void end_field();
  void end_header(std::uint64_t size);
  void garbage();
  void keep(std::string_view bytes);

  State state_ = State::line_begin;
  bool done_ = false;
  bool in_field_ = false;         // a continuation line belongs to a field
  std::string name_;              // lower case, at most kMaxName
  std::string* value_ = nullptr;  // where the current field's value goes; null: nowhere
  std::size_t room_ = 0;          // bytes that still go there
  std::uint32_t subjects_ = 0;
  std::uint32_t resent_froms_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t line_start_ = 0;
  HeaderSummary summary_;
};

}  // namespace godwit::message
