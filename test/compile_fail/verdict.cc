// Only policy::Engine makes a verdict; a verdict is never copied, and its Step never changed behind it.
#include "policy/verdict.h"

#include <type_traits>

using namespace sallyport;

static_assert(std::is_move_constructible_v<policy::Permit> && std::is_move_constructible_v<policy::Denial>);
static_assert(!std::is_default_constructible_v<policy::Permit> && !std::is_default_constructible_v<policy::Denial>);
static_assert(!std::is_copy_constructible_v<policy::Hold> && !std::is_default_constructible_v<policy::Hold>);
static_assert(!std::is_copy_assignable_v<policy::Permit> && !std::is_copy_assignable_v<policy::Denial>);

void allowed(policy::Permit permit, policy::Denial denial) {
  policy::Permit moved = std::move(permit);
  static_cast<void>(moved.step());
  static_cast<void>(denial.refusal());
}

#if OFFENDING == 1  // a Permit is made by hand => calling a private constructor of class 'sallyport::policy::Permit'
void make_permit() { policy::Permit permit(model::Command{}, policy::Grounds{}); }
#endif
#if OFFENDING == 2  // a Denial is made by hand => calling a private constructor of class 'sallyport::policy::Denial'
void make_denial() { policy::Denial denial(model::Command{}, policy::Grounds{}, model::Refusal{}); }
#endif
#if OFFENDING == 3  // a Hold is made by hand => calling a private constructor of class 'sallyport::policy::Hold'
void make_hold() { policy::Hold hold(model::Command{}, policy::Grounds{}, policy::Terms{}); }
#endif
#if OFFENDING == 4  // a Permit is copied => call to implicitly-deleted copy constructor of 'policy::Permit'
policy::Permit copy_permit(const policy::Permit& permit) { return permit; }
#endif
#if OFFENDING == 5  // a Denial is copied => call to implicitly-deleted copy constructor of 'policy::Denial'
policy::Denial copy_denial(const policy::Denial& denial) { return denial; }
#endif
#if OFFENDING == 6  // a Permit is made out of nothing => no matching constructor for initialization of 'policy::Permit'
policy::Permit empty_permit() { return policy::Permit{}; }
#endif
#if OFFENDING == 7  // a Denial becomes a Permit => no viable conversion
policy::Permit convert(policy::Denial denial) { return std::move(denial); }
#endif
#if OFFENDING == 8  // the judged Step is changed behind its Permit => binding reference of type
model::Step& change(policy::Permit& permit) { return permit.step(); }
#endif
#if OFFENDING == 9  // a Step is taken for a verdict => no viable conversion
policy::Decided undecided(model::Step step) { return std::move(step); }
#endif
#if OFFENDING == 10  // an Approval is made by hand => calling a private constructor of class
policy::Permit approve(policy::Hold hold) { return std::move(hold).release(policy::Approval()); }
#endif
#if OFFENDING == 11  // a Hold becomes a Permit by itself => no viable conversion
policy::Permit impatient(policy::Hold hold) { return std::move(hold); }
#endif
#if OFFENDING == 12  // an Approval is used twice => call to implicitly-deleted copy constructor of 'policy::Approval'
policy::Approval twice(const policy::Approval& approval) { return approval; }
#endif
#if OFFENDING == 13  // a Hold is taken for decided => no viable conversion
policy::Decided undecided(policy::Hold hold) { return std::move(hold); }
#endif
#if OFFENDING == 14  // a Precedent is made by hand => calling a private constructor of class
policy::Precedent precedent() { return policy::Precedent(policy::Grounds{}); }
#endif
