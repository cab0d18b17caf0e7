use std::collections::HashMap;

use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn row(seq: u64, aggregate: u8, attempts: u32, size: usize) -> Row {
    Row {
        seq,
        attempts,
        next_at: None,
        id: Uuid::nil(),
        aggregate: aggregate.to_string(),
        kind: "thing.happened".to_owned(),
        payload: "x".repeat(size),
        traceparent: None,
        created_at: At(Timestamp::UNIX_EPOCH),
    }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let one = (
        0..20_u8,
        prop_oneof![9 => Just(0_u32), 1 => 1..9_u32],
        0..60_000_usize,
    );
    proptest::collection::vec(one, 0..450).prop_map(|rows| {
        (1..)
            .zip(rows)
            .map(|(seq, (aggregate, attempts, size))| row(seq, aggregate, attempts, size))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lanes_lose_nothing_and_keep_each_aggregate_together_and_in_order(rows in rows(), most in 1..6_usize) {
        let lanes = lanes(rows.clone(), most);
        prop_assert!(lanes.len() <= most);
        let mut home: HashMap<&str, usize> = HashMap::new();
        for (index, lane) in lanes.iter().enumerate() {
            prop_assert!(lane.is_sorted_by_key(|row| row.seq));
            for row in lane {
                prop_assert_eq!(*home.entry(&row.aggregate).or_insert(index), index);
            }
        }
        let mut all: Vec<Row> = lanes.iter().flatten().cloned().collect();
        all.sort_by_key(|row| row.seq);
        prop_assert_eq!(all, rows);
    }

    #[test]
    fn batches_lose_nothing_keep_the_order_and_stay_small(rows in rows()) {
        let batches = batches(rows.clone());
        for batch in &batches {
            let bytes: usize = batch.iter().map(|row| row.payload.len()).sum();
            prop_assert!(batch.len() <= MOST_EVENTS);
            prop_assert!(bytes <= MOST_BYTES || batch.len() == 1);
            prop_assert!(batch.len() == 1 || batch.iter().all(|row| row.attempts == 0));
        }
        prop_assert_eq!(batches.into_iter().flatten().collect::<Vec<_>>(), rows);
    }

    #[test]
    fn pauses_grow_and_end(attempts in 1..1000_u32, random: u8) {
        let pause = pause(attempts, random);
        prop_assert!(pause >= Duration::from_secs(1) && pause <= LONGEST_PAUSE * 5 / 4);
        prop_assert!(super::pause(attempts + 1, random) >= pause);
    }
}

#[test]
fn only_an_answer_about_the_event_is_a_refusal() {
    for (status, refusal) in [
        (400, true),
        (404, true),
        (409, true),
        (413, true),
        (422, true),
        (401, false),
        (403, false),
        (408, false),
        (429, false),
        (302, false),
        (500, false),
        (503, false),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        assert_eq!(is_refusal(status), refusal, "{status}");
    }
}
