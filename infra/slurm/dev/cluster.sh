#!/usr/bin/env bash
# A real Slurm on this machine, for tests and to try things out: two nodes, n1 and n2, of one host.
#
#   infra/slurm/dev/cluster.sh start DIR      start it, with all of its files in DIR
#   eval "$(infra/slurm/dev/cluster.sh env DIR)"
#   sinfo; sbatch ...; squeue
#   infra/slurm/dev/cluster.sh stop DIR
#
#   SLURM_DEV_PORT        first of the 20 ports that it uses on the loopback interface; default 16817
#   SLURM_DEV_CPUS        CPUs of each node; default 4. Nothing keeps jobs from using more.
#   SLURM_DEV_FIRST_JOB   id of the first job; default 1
#   SLURM_DEV_ACCOUNTING  1: with a database, so that sacct works
#
# It needs root, and the packages slurm-wlm and munge of Debian or Ubuntu; for accounting slurmdbd
# and mariadb-server too. It touches nothing outside of DIR. The times are short for tests: a silent
# node is lost after 10 s, an ended job forgotten after 60 s, a requeued job waits 6 s.
set -euo pipefail

command=${1:?start, stop or env}
dir=$(realpath -m "${2:?a directory}")
host=$(hostname -s)
base=${SLURM_DEV_PORT:-16817}
export SLURM_CONF=$dir/slurm.conf

configure() {
  cat > "$SLURM_CONF" <<CONF
ClusterName=dev
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket,cred_expire=5
SlurmctldPort=$base
SlurmdParameters=config_overrides
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
SlurmdTimeout=10
MinJobAge=${SLURM_DEV_MIN_JOB_AGE:-60}
KillWait=10
SchedulerParameters=sched_interval=1,bf_interval=1
JobRequeue=1
FirstJobId=${SLURM_DEV_FIRST_JOB:-1}
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/jobcomp.txt
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((base + 1)) CPUs=${SLURM_DEV_CPUS:-4} RealMemory=4000 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((base + 2)) CPUs=${SLURM_DEV_CPUS:-4} RealMemory=4000 State=UNKNOWN
PartitionName=debug Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
CONF
}

start_munge() {
  # A daemon and a socket of our own.
  [ -f "$dir/munge/munge.key" ] || dd if=/dev/urandom of="$dir/munge/munge.key" bs=1024 count=1 status=none
  chmod 0400 "$dir/munge/munge.key"
  chmod 0755 "$dir" "$dir/munge"
  munged --force --key-file "$dir/munge/munge.key" --socket "$dir/munge/socket" \
    --pid-file "$dir/munge/munged.pid" --log-file "$dir/munge/munged.log" --seed-file "$dir/munge/seed"
}

start_accounting() {
  local db=$dir/mariadb port=$((base + 10))
  mkdir -p "$db"
  chown mysql "$db"
  [ -d "$db/mysql" ] || mariadb-install-db --no-defaults --user=mysql --datadir="$db" \
    --auth-root-authentication-method=normal > "$dir/log/mariadb-install.log" 2>&1
  setsid mariadbd --no-defaults --user=mysql --datadir="$db" --socket="$db/socket" --port="$port" \
    --bind-address=127.0.0.1 --innodb-lock-wait-timeout=900 --pid-file="$db/pid" > "$dir/log/mariadb.log" 2>&1 &
  for _ in $(seq 100); do
    mariadb --no-defaults -S "$db/socket" -u root -e 'select 1' > /dev/null 2>&1 && break
    sleep 0.1
  done
  for place in 127.0.0.1 localhost; do
    mariadb --no-defaults -S "$db/socket" -u root -e "create user if not exists slurm@'$place' identified by 'dev';
      grant all on slurm_acct.* to slurm@'$place'"
  done
  # slurmdbd reads the file next to $SLURM_CONF, and insists on mode 600.
  (
    umask 077
    cat > "$dir/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$((base + 11))
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$port
StorageUser=slurm
StoragePass=dev
StorageLoc=slurm_acct
LogFile=$dir/log/slurmdbd.log
PidFile=$dir/slurmdbd.pid
CONF
  )
  # AccountingStoragePass is the socket of munge: without it, sacct looks for /run/munge.
  cat >> "$SLURM_CONF" <<CONF
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((base + 11))
AccountingStoragePass=$dir/munge/socket
AccountingStoreFlags=job_comment
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
CONF
  slurmdbd
  for _ in $(seq 100); do
    sacctmgr -n -i add cluster dev > /dev/null 2>&1 && break
    sacctmgr -n show cluster 2> /dev/null | grep -q dev && break
    sleep 0.2
  done
}

case $command in
  env)
    printf 'export SLURM_CONF=%q\n' "$SLURM_CONF"
    ;;
  start)
    if kill -0 "$(cat "$dir/slurmctld.pid" 2> /dev/null)" 2> /dev/null; then
      echo "a cluster runs in $dir already; stop it first: $0 stop $dir" >&2
      exit 1
    fi
    mkdir -p "$dir"/{state,spool/n1,spool/n2,log,munge}
    start_munge
    configure
    if [ "${SLURM_DEV_ACCOUNTING:-0}" = 1 ]; then start_accounting; fi
    slurmctld -f "$SLURM_CONF"
    for node in n1 n2; do slurmd -N "$node" -f "$SLURM_CONF"; done
    for _ in $(seq 300); do
      [ "$(sinfo -h -t idle -o %D 2> /dev/null)" = 2 ] && break
      sleep 0.1
    done
    [ "$(sinfo -h -t idle -o %D)" = 2 ] || { echo "the nodes did not come up; see $dir/log" >&2; exit 1; }
    ;;
  stop)
    scancel --user="$(id -un)" 2> /dev/null || true
    for file in "$dir"/slurmd-n*.pid "$dir/slurmctld.pid" "$dir/slurmdbd.pid" "$dir/mariadb/pid" "$dir/munge/munged.pid"; do
      if [ -f "$file" ]; then kill "$(cat "$file")" 2> /dev/null || true; fi
    done
    ;;
  *)
    echo "start, stop or env, not $command" >&2
    exit 2
    ;;
esac
