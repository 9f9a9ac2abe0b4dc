#pragma once
// How a term of a search is held against a message: its row, its envelope, its text as it streams by. Internal to the search; no I/O.

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "frontend/imapd/heading.h"
#include "frontend/imapd/message_text.h"
#include "frontend/imapd/search_plan.h"
#include "grammar/message/envelope.h"
#include "state/mailbox/email.h"

namespace godwit::imapd {

// Terms that need no more than Need::info.
bool test_row(const Term& term, const mailbox::MessageInfo& info);

// Addresses as a person would write them, decoded: "Name <local@host>, group: a@b;, ...". RFC 9051 6.4.4 searches the field's text, which
// is kept taken apart: comments and quotes are not there to be found.
std::string address_text(const std::vector<message::EnvelopeAddress>& addresses);

// Terms of Need::envelope. Texts are made when first asked for. The envelope outlives it.
class EnvelopeTexts {
 public:
  explicit EnvelopeTexts(const message::Envelope& envelope) : envelope_(envelope) {}
  bool test(const Term& term);

 private:
  // Casemapped. Nothing: there is no such field.
  const std::optional<std::string>& text_of(Term::Test test);
  std::optional<std::string> make_text(Term::Test test) const;
  bool test_sent(const Term& term) const;

  struct Cached {
    bool made = false;
    std::optional<std::string> text;
  };
  const message::Envelope& envelope_;
  std::array<Cached, 7> texts_;
};

// Terms of Need::envelope, where SearchPlan::headings_do(). `whole`: the details, if the heading is cut; null if they cannot be read.
bool test_heading(const Term& term, const Heading& heading, const mailbox::Details* whole);

// Terms of Need::header and Need::body, while one message is read. What it is made of outlives it.
class TermHunt final : public TextReader {
 public:
  // Verdicts are put in by term. `undecided`: asked after some have been, whether the message is worth a further look.
  TermHunt(const std::vector<Term>& terms, std::span<const std::size_t> open, std::vector<Verdict>& verdicts,
           std::function<bool()> undecided);

  bool wants_header() const { return in_header_ && !header_.empty(); }  // HEADER terms
  bool wants_fields() const { return texts_ > 0; }                      // TEXT terms
  // The message's own header, or all of it, has been read: what has not been found is not there. `undecided` is not asked.
  void end_header();
  void end_message();

  bool field(std::string_view name, std::string_view raw) override;
  bool begin_part() override;
  bool text(std::string_view utf8) override;
  std::size_t weight() const override { return header_.size() + whole_.size() + 1; }

 private:
  bool ask_whether_over(bool found_some);
  bool look_in_header(std::string_view name, std::string_view casemapped);
  bool look_in_field(std::string_view casemapped);

  const std::vector<Term>& terms_;
  std::vector<Verdict>& verdicts_;
  std::function<bool()> undecided_;
  bool in_header_ = true;
  bool over_ = false;
  std::vector<std::size_t> header_;  // not found yet
  std::vector<std::size_t> whole_;   // TEXT and BODY, in the order of searcher_'s needles
  std::size_t texts_ = 0;            // TEXT alone: in front
  message::TextSearcher searcher_;
};

}  // namespace godwit::imapd
