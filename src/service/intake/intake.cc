#include "service/intake/intake.h"

#include "base/log.h"
#include "service/intake/replies.h"
#include "service/intake/transaction.h"
#include "service/submission/submission.h"

namespace godwit::intake {
namespace {

class TheIntake final : public Intake {
 public:
  explicit TheIntake(Context context) : context_(std::move(context)) {}

  Task<std::expected<std::unique_ptr<Transaction>, smtp::Reply>> begin(const Source& source, MailParameters parameters) override {
    const Source& from = source;
    auto settings = context_.settings();
    if (auto refusal = check(from, parameters, *settings)) co_return std::unexpected(*std::move(refusal));
    if (from.door == Source::Door::submission) {
      auto account = *from.account;
      auto reverse_path = parameters.reverse_path;
      auto refusal = co_await submission::check_sender(context_.directory, std::move(account), std::move(reverse_path));
      if (refusal) co_return std::unexpected(*std::move(refusal));
    }
    std::unique_ptr<Transaction> transaction = make_transaction(context_, std::move(settings), from, std::move(parameters));
    co_return transaction;
  }

 private:
  std::optional<smtp::Reply> check(const Source& source, const MailParameters& parameters, const Settings& settings) const {
    if (source.door == Source::Door::submission && !source.account) return replies::authentication_required();
    const bool ascii = parameters.reverse_path.is_null() || parameters.reverse_path.address().is_ascii();
    if (!ascii && !parameters.smtputf8) return replies::sender_needs_smtputf8();
    // RFC 1870 6.1: refused by what was declared, before a byte of it travels
    if (parameters.size && *parameters.size > settings.max_message_size) return replies::too_big(settings.max_message_size);
    if (context_.blobs.full()) return replies::store_full();
    return std::nullopt;
  }

  Context context_;
};

}  // namespace

std::unique_ptr<Intake> make_intake(Context context) { return std::make_unique<TheIntake>(std::move(context)); }

}  // namespace godwit::intake
