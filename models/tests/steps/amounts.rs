//! Amounts of operations, which come from files too: something, and not more than can be added up.

use seedbed_models::parts::bounds::MOST_AMOUNT;
use seedbed_models::transactions::saga::Saga;
use seedbed_models::transactions::saga::business::{Order, Request as Sale};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::tcc::Tcc;
use seedbed_models::transactions::tcc::business::{Request as Booking, Trip};
use seedbed_models::transactions::transfer::Transfer;
use seedbed_sim::Model;

/// Whether each operation that has an amount is taken with this one.
fn taken(amount: i64) -> [bool; 3] {
    let transfer = Transfer { from: Key(0), to: Key(1), amount };
    let order = Sale::Order(Order { customer: 0, product: 0, pieces: amount });
    let trip = Booking::Trip(Trip { flight: 0, hotel: 0, car: None, persons: amount });
    [
        transfer.validate(2).is_ok(),
        Saga::default().validate_op(&order).is_ok(),
        Tcc::default().validate_op(&trip).is_ok(),
    ]
}

#[test]
fn an_amount_is_above_zero_and_can_be_added_up() {
    for amount in [1, MOST_AMOUNT] {
        assert_eq!(taken(amount), [true; 3], "{amount}");
    }
    for amount in [i64::MIN, -1, 0, MOST_AMOUNT + 1, i64::MAX] {
        assert_eq!(taken(amount), [false; 3], "{amount}");
    }
}
