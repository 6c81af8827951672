<?php
// Reads, marks and searches the injected message with Roundcube's IMAP class, the way its message
// list does it: STATUS, SELECT, sorted index, headers, structure, part, flags, keyword search.
//
// usage: php client_roundcube.php LIB HOST PORT USER PASSWORD   prints one line of JSON
[, $lib, $host, $port, $user, $password] = $argv;
error_reporting(E_ALL & ~E_DEPRECATED & ~E_NOTICE);
spl_autoload_register(function ($class) use ($lib) {
    if (is_file("$lib/$class.php")) {
        require_once "$lib/$class.php";
    }
});
require_once "$lib/bootstrap.php";
function fail($what, $c) { fwrite(STDERR, "$what: $c->error\n"); exit(1); }

$c = new rcube_imap_generic();
if (!$c->connect($host, $user, $password, ['port' => (int) $port, 'ssl_mode' => null, 'auth_type' => 'PLAIN', 'timeout' => 20])) {
    fail('connect', $c);
}
if (getenv('ROUNDCUBE_DEBUG')) {
    $c->setDebug(true, function ($x, $line) { fwrite(STDERR, "$line\n"); });
}
if ($c->getCapability('QRESYNC')) {
    $c->enable('QRESYNC');
}
// A first look, as after login: what is new arrives now.
if (!$c->select('INBOX') || !$c->close()) {
    fail('select', $c);
}
$status = $c->status('INBOX', ['UNSEEN', 'UIDNEXT']);
if (!$c->select('INBOX')) {
    fail('select', $c);
}
$out = ['messages' => (int) $c->data['EXISTS']];
if ($status['MESSAGES'] != $out['messages'] || $status['UIDNEXT'] != $c->data['UIDNEXT']) {
    fail('STATUS and SELECT differ: ' . json_encode([$status, $c->data]), $c);
}
// Its cache is taken for valid only if the message EXISTS has the highest cached UID.
$last = $c->ID2UID('INBOX', $out['messages']);
if ($last + 1 > $c->data['UIDNEXT'] || $c->UID2ID('INBOX', $last) != $out['messages']) {
    fail("the last message has UID $last", $c);
}
$index = $c->getCapability('SORT')
    ? $c->sort('INBOX', 'ARRIVAL', 'ALL', true) : $c->index('INBOX', '1:*', 'ARRIVAL', false, true, true);
if ($index->is_error()) {
    fail('index', $c);
}
$out['uids'] = $index->count();
if (count(array_unique($index->get())) != $index->count()) {
    fail('a UID comes twice', $c);
}
foreach (['REFERENCES', 'ORDEREDSUBJECT', 'REFS'] as $algorithm) {
    if ($c->getCapability("THREAD=$algorithm")) {
        $threads = $c->thread('INBOX', $algorithm, 'ALL', true);
        if ($threads->is_error() || $threads->count_messages() != $out['messages']) {
            fail("THREAD $algorithm: " . $threads->count_messages(), $c);
        }
    }
}
$found = $c->search('INBOX', 'FROM offers@shop.example SUBJECT "A letter"', true);
$out['found'] = array_map('intval', $found->get());
if ($out['found']) {
    $uid = $out['found'][0];
    $header = $c->fetchHeader('INBOX', $uid, true, true);
    $out['subject'] = $header->subject;
    $raw = $c->handlePartBody('INBOX', $uid, true, null);
    $out['size'] = strlen($raw) == $header->size;
    $out['text'] = $c->handlePartBody('INBOX', $uid, true, '1', '');
    if (!is_array($c->getStructure('INBOX', $uid, true))) {
        fail('structure', $c);
    }
    if (!$c->flag('INBOX', $uid, 'SEEN') || !$c->flag('INBOX', $uid, 'FLAGGED') || !$c->flag('INBOX', $uid, 'Kept')) {
        fail('flag', $c);
    }
    $flags = [];
    foreach (array_keys(array_filter($c->fetchHeader('INBOX', $uid, true)->flags)) as $flag) {
        $flags[] = $flag == 'KEPT' ? 'Kept' : '\\' . ucfirst(strtolower($flag));
    }
    $out['flags'] = array_values(array_diff($flags, ['\\Recent']));
    sort($out['flags']);
    $out['flagged'] = array_map('intval', $c->search('INBOX', 'KEYWORD Kept', true)->get());
}
$c->close();
$c->closeConnection();
echo json_encode($out), "\n";
